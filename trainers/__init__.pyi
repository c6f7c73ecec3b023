"""How one architecture is trained and measured: tasks, recipes, jobs, results."""

from .job import Ensemble as Ensemble
from .job import Epoch as Epoch
from .job import Job as Job
from .job import Point as Point
from .job import Result as Result
from .job import unpack_flags as unpack_flags
from .learning.quantisation import quantise as quantise
from .loop import train as train
from .named_recipes import RECIPES as RECIPES
from .recipe import Recipe as Recipe
from .tasks import TASKS as TASKS
from .tasks import Cifar10 as Cifar10
from .tasks import Cifar100 as Cifar100
from .tasks import Digits as Digits
from .tasks import Folder as Folder
from .tasks import ImageNet as ImageNet
from .tasks import ImageNet32 as ImageNet32
from .tasks import Stl10 as Stl10
from .tasks import Synthetic as Synthetic
from .tasks import Task as Task
from .tasks import TinyImageNet as TinyImageNet
from .tasks import Torchvision as Torchvision
from .tasks import folder_task as folder_task
from .training import Training as Training
