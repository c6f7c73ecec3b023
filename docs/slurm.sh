#!/bin/bash
# A search on nodes of a Slurm cluster: sbatch docs/slurm.sh
# Edit the places in capitals. Each node needs this package and the folders at the same path.
#SBATCH --job-name=convfrontier
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -e
source YOUR-VENV/bin/activate

# The first node is the head. Ray is started on all of them, the command runs on the first, and Ray is
# stopped when it ends. A job that is queued again goes on, as it is the same command.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" \
    ray symmetric-run --address "$head:6379" --min-nodes "$SLURM_NNODES" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus="$SLURM_GPUS_ON_NODE" -- \
    python -m studies.run search --space joint --task cifar10 --trials 500 \
    --recipe mssar_resnet --data-root /SHARED/data --out /SHARED/runs/joint \
    --gpus-per-trial 0.5 --address auto
