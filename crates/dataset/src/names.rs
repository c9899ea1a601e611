//! Names that many rows share, remembered once.

use std::collections::BTreeMap;

/// Names, each with its place in the order they were met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<String, usize>);

impl Names {
    /// The place of a name, which is remembered if it is new.
    pub(crate) fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.0.get(name) {
            return *place;
        }
        let place = self.0.len();
        self.0.insert(name.to_owned(), place);
        place
    }

    /// For each place, where its name stands among the sorted names: no order of arrival is left in it.
    pub(crate) fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![0; self.0.len()];
        for (rank, place) in self.0.values().enumerate() {
            ranks[*place] = rank;
        }
        ranks
    }

    /// The names by their places.
    pub(crate) fn met(self) -> Vec<String> {
        let mut names = vec![String::new(); self.0.len()];
        for (name, place) in self.0 {
            names[place] = name;
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_place_in_which_they_were_met_and_a_rank() {
        let mut names = Names::default();
        let places = ["c", "a", "c", "b", "a"].map(|name| names.place(name));
        assert_eq!(places, [0, 1, 0, 2, 1]);
        assert_eq!(names.ranks(), [2, 0, 1]);
        assert_eq!(names.met(), ["c", "a", "b"]);
    }
}
