"""What systems that take our tokens want of them: as data, and as rules to check clients with."""

from __future__ import annotations

from .catalogue import PRESETS
from .rule import Preset, Rule, Subject, Violation, violations

__all__ = ["PRESETS", "Preset", "Rule", "Subject", "Violation", "violations"]
