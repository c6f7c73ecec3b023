"""What proposes the networks of a search: Optuna's samplers by name, and our own."""

from studies.samplers.planned import answers
from studies.samplers.registry import SAMPLERS, sampler, sampler_settings

__all__ = ["SAMPLERS", "answers", "sampler", "sampler_settings"]
