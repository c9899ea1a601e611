//! Stages from YAML, artifacts, and the run folder.
