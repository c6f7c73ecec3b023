"""What a training takes of the machine: memory, random generators, copies of tensors."""
