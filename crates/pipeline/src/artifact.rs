//! Artifacts: what a stage leaves behind, named by the hash of everything it was made of.

mod folder;
mod lines;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use forethought_train::{hexadecimal, open_sealed, seal, settle_folder, write_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use folder::RunFolder;
pub use forethought_train::FileFacts;
pub(crate) use lines::{LinePicker, LineReader, LineWriter, read_lines, write_array, write_lines};

use crate::PipelineError;
use crate::secret::redact;

/// The file of an artifact that says what the artifact is.
pub(crate) const MANIFEST: &str = "artifact.json";

/// What an artifact is: its id, what it was made of, and its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactManifest {
    /// The stage that made it.
    pub stage: String,
    /// Hash of the stage's config, its inputs' ids, the hashes of the data files it read, and the code version.
    pub id: String,
    /// The artifacts it was made of: stage and id.
    pub inputs: BTreeMap<String, String>,
    /// SHA-256 of the files outside the run that the stage read, by path, without passwords and tokens in it.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// How long the stage took, in seconds.
    pub seconds: f64,
    /// Its files, by path from the artifact's folder.
    pub files: BTreeMap<String, FileFacts>,
}

/// Everything an artifact's content depends on.
#[derive(Debug, Serialize)]
pub(crate) struct Ingredients<'a> {
    pub(crate) stage: &'a str,
    /// The version of the package and the revision of the stage's own code.
    pub(crate) code: String,
    pub(crate) seed: u64,
    pub(crate) config: serde_json::Value,
    pub(crate) inputs: BTreeMap<String, String>,
    /// SHA-256 of the files outside the run that the stage reads.
    pub(crate) files: BTreeMap<String, String>,
}

impl Ingredients<'_> {
    /// The id of the artifact made of these.
    pub(crate) fn id(&self) -> Result<String, PipelineError> {
        let bytes =
            serde_json::to_vec(self).map_err(PipelineError::json("artifact ingredients"))?;
        Ok(hexadecimal(&Sha256::digest(bytes)))
    }
}

impl ArtifactManifest {
    /// Reads the manifest of the artifact in a folder.
    ///
    /// # Errors
    ///
    /// If there is none, or it is not as it was written.
    pub fn read(root: &Path) -> Result<Self, PipelineError> {
        let path = root.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(PipelineError::io(&path))?;
        open_sealed(&text).map_err(|source| PipelineError::Seal { path, source })
    }

    /// Writes it, with its own hash, into the folder of the artifact.
    fn write(&self, root: &Path) -> Result<(), PipelineError> {
        let path = root.join(MANIFEST);
        let text = seal(self).map_err(PipelineError::json(path.display()))?;
        write_file(&path, text.as_bytes()).map_err(PipelineError::io(&path))
    }

    /// The first of its files, in a folder, that is not as it was sealed, and what is wrong with it. They are read whole:
    /// what is wrong in one would be in all that is made of it.
    pub(crate) fn damage(&self, root: &Path) -> Option<String> {
        self.files.iter().find_map(|(name, facts)| {
            let difference = match FileFacts::of_file(&root.join(name)) {
                Ok(found) => facts.difference(&found)?,
                Err(error) => error.to_string(),
            };
            Some(format!("{name}: {difference}"))
        })
    }
}

/// What lies at the place of an artifact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// The artifact with the id that was asked for, every file as it was sealed.
    Whole(ArtifactManifest),
    /// The artifact, but a file of it is not what was sealed: which, and what is wrong with it.
    Damaged(String),
    /// Another one, or nothing.
    Absent,
}

/// The artifact of a stage if it is there and has this id.
pub(crate) fn find(folder: &RunFolder, stage: &str, id: &str) -> Found {
    let root = folder.artifact(stage);
    if !root.is_dir() {
        return Found::Absent;
    }
    match ArtifactManifest::read(&root) {
        Ok(manifest) if manifest.id != id => Found::Absent,
        Ok(manifest) => match manifest.damage(&root) {
            Some(damage) => Found::Damaged(damage),
            None => Found::Whole(manifest),
        },
        Err(PipelineError::Seal { source, .. }) => Found::Damaged(format!("{MANIFEST}: {source}")),
        Err(_) => Found::Damaged(format!("{MANIFEST}: it cannot be read")),
    }
}

/// Refuses artifacts that a stage is about to read where they are not, or not any more, as they were sealed.
pub(crate) fn require_whole(
    folder: &RunFolder,
    stage: &str,
    inputs: &[&ArtifactManifest],
) -> Result<(), PipelineError> {
    for input in inputs {
        let root = folder.artifact(&input.stage);
        if let Some(damage) = input.damage(&root) {
            let message = format!(
                "{} is not what was written ({damage}); run again, {} is made anew then",
                root.display(),
                input.stage
            );
            return Err(PipelineError::stage(stage, message));
        }
    }
    Ok(())
}

/// The files outside the run that were something else when the artifact now in this place was made.
pub(crate) fn changed_sources(folder: &RunFolder, ingredients: &Ingredients<'_>) -> Vec<String> {
    let manifest = ArtifactManifest::read(&folder.artifact(ingredients.stage));
    let Ok(manifest) = manifest else { return Vec::new() };
    let is_changed = |(path, now): &(&String, &String)| {
        manifest.sources.get(&redact(path)).is_some_and(|then| then != *now)
    };
    ingredients.files.iter().filter(is_changed).map(|(path, _)| path.clone()).collect()
}

/// Copies the artifact with this id from another run below `runs`, if one has it and its files are what they were.
///
/// Runs that begin alike then share their beginning. Runs are looked through by name, so which of them is copied from
/// does not depend on the file system.
pub(crate) fn take_over(
    runs: &Path,
    folder: &RunFolder,
    stage: &str,
    id: &str,
) -> Result<Option<(PathBuf, ArtifactManifest)>, PipelineError> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut others: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    others.sort();
    for other in others.into_iter().filter(|other| other != folder.root()) {
        let source = RunFolder::new(other.clone());
        let manifest = ArtifactManifest::read(&source.artifact(stage));
        let Some(manifest) = manifest.ok().filter(|one| one.id == id) else { continue };
        let staging = stage_anew(folder, stage)?;
        if copy_files(&source.artifact(stage), &staging, &manifest)? {
            manifest.write(&staging)?;
            settle(folder, stage)?;
            return Ok(Some((other, manifest)));
        }
    }
    Ok(None)
}

/// Copies the files of an artifact; false if one of them is not what the manifest says.
fn copy_files(from: &Path, to: &Path, manifest: &ArtifactManifest) -> Result<bool, PipelineError> {
    for (name, facts) in &manifest.files {
        let (source, target) = (from.join(name), to.join(name));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(PipelineError::io(parent))?;
        }
        // A file that is not there, or not as it was sealed, makes the artifact none.
        if fs::copy(&source, &target).is_err() || file_facts(&target)? != *facts {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts what is staged in the artifact's place. Only when it would survive a loss of power may what it was made of go.
pub(crate) fn settle(folder: &RunFolder, stage: &str) -> Result<(), PipelineError> {
    let (staging, place) = (folder.staging(stage), folder.artifact(stage));
    settle_folder(&staging, &place).map_err(PipelineError::io(&place))
}

/// Seals the staged files of a stage and puts them in the artifact's place.
pub(crate) fn commit(
    folder: &RunFolder,
    ingredients: &Ingredients<'_>,
    seconds: f64,
) -> Result<ArtifactManifest, PipelineError> {
    let staging = folder.staging(ingredients.stage);
    let mut files = BTreeMap::new();
    collect_facts(&staging, &staging, &mut files)?;
    let manifest = ArtifactManifest {
        stage: ingredients.stage.to_owned(),
        id: ingredients.id()?,
        inputs: ingredients.inputs.clone(),
        sources: ingredients
            .files
            .iter()
            .map(|(path, hash)| (redact(path), hash.clone()))
            .collect(),
        seconds,
        files,
    };
    manifest.write(&staging)?;
    settle(folder, ingredients.stage)?;
    Ok(manifest)
}

/// An empty staging folder for a stage; what an interrupted run left there is removed.
pub(crate) fn stage_anew(folder: &RunFolder, stage: &str) -> Result<PathBuf, PipelineError> {
    let staging = folder.staging(stage);
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(PipelineError::io(&staging))?;
    }
    fs::create_dir_all(&staging).map_err(PipelineError::io(&staging))?;
    Ok(staging)
}

fn collect_facts(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<String, FileFacts>,
) -> Result<(), PipelineError> {
    for entry in fs::read_dir(folder).map_err(PipelineError::io(folder))? {
        let path = entry.map_err(PipelineError::io(folder))?.path();
        if path.is_dir() {
            collect_facts(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, file_facts(&path)?);
        }
    }
    Ok(())
}

/// Length and SHA-256 of a file, read in pieces.
pub(crate) fn file_facts(path: &Path) -> Result<FileFacts, PipelineError> {
    FileFacts::of_file(path).map_err(PipelineError::io(path))
}

/// Reads one JSON value.
pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, PipelineError> {
    let text = fs::read_to_string(path).map_err(PipelineError::io(path))?;
    serde_json::from_str(&text).map_err(PipelineError::json(path.display()))
}

/// Writes one JSON value, indented, with a line break at the end.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), PipelineError> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(PipelineError::json(path.display()))?;
    text.push('\n');
    write_file(path, text.as_bytes()).map_err(PipelineError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingredients(config: serde_json::Value) -> Ingredients<'static> {
        Ingredients {
            stage: "label",
            code: "0.1.0/1".into(),
            seed: 42,
            config,
            inputs: BTreeMap::from([("ingest".into(), "ab".into())]),
            files: BTreeMap::new(),
        }
    }

    fn committed(config: serde_json::Value) -> (tempfile::TempDir, RunFolder, String) {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::new(temporary.path().to_owned());
        let staging = stage_anew(&folder, "label").expect("a staging folder");
        fs::write(staging.join("rows.jsonl"), "1\n2\n").expect("written");
        let id = commit(&folder, &ingredients(config), 0.5).expect("committed").id;
        (temporary, folder, id)
    }

    #[test]
    fn an_artifact_is_found_by_its_id_only() {
        let (_temporary, folder, id) = committed(serde_json::json!({"width": 25}));
        assert!(matches!(find(&folder, "label", &id), Found::Whole(_)));
        let other = ingredients(serde_json::json!({"width": 50})).id().expect("hashed");
        assert_ne!(id, other);
        assert_eq!(find(&folder, "label", &other), Found::Absent);
    }

    #[test]
    fn an_artifact_with_a_cut_or_changed_file_is_told_from_a_whole_one() {
        let (_temporary, folder, id) = committed(serde_json::json!({}));
        for (text, damage) in [
            ("1\n", "rows.jsonl: 2 bytes instead of 4"),
            ("1\n3\n", "rows.jsonl: its SHA-256 does not match"),
        ] {
            fs::write(folder.artifact("label").join("rows.jsonl"), text).expect("written");
            assert_eq!(find(&folder, "label", &id), Found::Damaged(damage.to_owned()));
        }
    }

    #[test]
    fn an_artifact_whose_own_manifest_is_cut_or_gone_is_no_absent_one() {
        let (_temporary, folder, id) = committed(serde_json::json!({}));
        let damage = || match find(&folder, "label", &id) {
            Found::Damaged(damage) => damage,
            found => panic!("{found:?}"),
        };
        let path = folder.artifact("label").join(MANIFEST);
        let text = fs::read(&path).expect("a manifest");
        fs::write(&path, &text[..text.len() / 2]).expect("written");
        assert!(damage().starts_with("artifact.json: cannot be parsed: "), "{}", damage());
        fs::remove_file(&path).expect("removed");
        assert_eq!(damage(), "artifact.json: it cannot be read");
        fs::remove_dir(folder.artifact("label")).expect_err("its rows are there");
        fs::remove_dir_all(folder.artifact("label")).expect("removed");
        assert_eq!(find(&folder, "label", &id), Found::Absent);
    }

    #[test]
    fn no_flipped_bit_of_an_artifacts_manifest_makes_it_another_one() {
        let (_temporary, folder, id) = committed(serde_json::json!({}));
        let path = folder.artifact("label").join(MANIFEST);
        let text = fs::read(&path).expect("a manifest");
        for position in 0..text.len() {
            let bit = position % 8;
            let mut bytes = text.clone();
            bytes[position] ^= 1 << bit;
            fs::write(&path, bytes).expect("written");
            let found = find(&folder, "label", &id);
            let Found::Damaged(damage) = found else { panic!("{position}.{bit}: {found:?}") };
            assert!(damage.starts_with("artifact.json: "), "{position}.{bit}: {damage}");
        }
    }

    #[test]
    fn a_stage_does_not_read_an_artifact_that_has_changed_since_it_was_sealed() {
        let (_temporary, folder, id) = committed(serde_json::json!({}));
        let Found::Whole(manifest) = find(&folder, "label", &id) else { panic!("it is whole") };
        require_whole(&folder, "balance", &[&manifest]).expect("as it was sealed");
        fs::write(folder.artifact("label").join("rows.jsonl"), "1\n3\n").expect("written");
        let error = require_whole(&folder, "balance", &[&manifest]).expect_err("it has changed");
        let text = error.to_string();
        assert!(text.starts_with("stage balance: "), "{text}");
        assert!(text.contains("(rows.jsonl: its SHA-256 does not match); run again"), "{text}");
    }

    #[test]
    fn an_artifact_of_another_run_is_taken_over_if_its_files_are_whole() {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let one = RunFolder::new(runs.path().join("one"));
        let staging = stage_anew(&one, "label").expect("a staging folder");
        fs::create_dir(staging.join("model")).expect("a folder");
        fs::write(staging.join("model/rows.jsonl"), "1\n2\n").expect("written");
        let made = commit(&one, &ingredients(serde_json::json!({})), 0.5).expect("committed");

        let two = RunFolder::new(runs.path().join("two"));
        let taken = take_over(runs.path(), &two, "label", &made.id).expect("readable");
        assert_eq!(taken, Some((runs.path().join("one"), made.clone())));
        assert_eq!(find(&two, "label", &made.id), Found::Whole(made.clone()));
        let rows = fs::read_to_string(two.artifact("label").join("model/rows.jsonl"));
        assert_eq!(rows.expect("it was copied"), "1\n2\n");

        // As long as before, and not what was sealed.
        fs::write(one.artifact("label").join("model/rows.jsonl"), "1\n3\n").expect("changed");
        fs::remove_dir_all(two.root()).expect("removed");
        let three = RunFolder::new(runs.path().join("three"));
        assert_eq!(take_over(runs.path(), &three, "label", &made.id).expect("readable"), None);
    }

    #[test]
    fn the_hash_of_a_file_is_its_sha256() {
        let (_temporary, folder, _) = committed(serde_json::json!({}));
        let facts = file_facts(&folder.artifact("label").join("rows.jsonl")).expect("it is there");
        // printf '1\n2\n' | sha256sum
        let sha256 = "a6e2b7a040683432de03a18fd8a1939a2fdf82585b364bfc874bdd4095c4cae1".to_owned();
        assert_eq!(facts, FileFacts { bytes: 4, sha256 });
    }
}
