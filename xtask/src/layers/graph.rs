//! A dependency graph, read from the text that `cargo tree --prefix depth` prints.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The packages below one package, each once, with what they depend on.
#[derive(Debug)]
pub(super) struct Graph {
    root: Package,
    /// Dependencies by package; cargo prints each package's own once and refers back to it with `(*)`.
    edges: BTreeMap<Package, BTreeSet<Package>>,
}

/// A package's name and version: two versions of one name have dependencies of their own.
type Package = (String, String);

impl Graph {
    /// Reads a tree.
    ///
    /// # Errors
    ///
    /// If a line is no depth, name and version, or the depth jumps.
    pub(super) fn parse(tree: &str) -> Result<Self, String> {
        let mut edges = BTreeMap::<Package, BTreeSet<Package>>::new();
        let mut path: Vec<Package> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let (depth, package) = parse_line(line)?;
            if depth > path.len() {
                return Err(format!("cargo tree jumps to depth {depth} at `{line}`"));
            }
            path.truncate(depth);
            if let Some(parent) = path.last() {
                edges.entry(parent.clone()).or_default().insert(package.clone());
            }
            path.push(package);
        }
        let root = path.into_iter().next().ok_or("cargo tree printed nothing")?;
        Ok(Self { root, edges })
    }

    /// The names along the shortest way from the root, which is not itself meant, to a package that `is` meant. Ways
    /// through one of `doors` do not count.
    pub(super) fn chain(&self, is: &dyn Fn(&str) -> bool, doors: &[&str]) -> Option<Vec<&str>> {
        let mut seen = BTreeSet::from([&self.root]);
        let mut queue = VecDeque::from([vec![&self.root]]);
        while let Some(way) = queue.pop_front() {
            for next in way.last().and_then(|last| self.edges.get(*last)).into_iter().flatten() {
                if doors.contains(&next.0.as_str()) || !seen.insert(next) {
                    continue;
                }
                let longer: Vec<_> = way.iter().copied().chain([next]).collect();
                if is(&next.0) {
                    return Some(longer.into_iter().map(|package| package.0.as_str()).collect());
                }
                queue.push_back(longer);
            }
        }
        None
    }
}

/// Splits `2burn-core v0.22.1 (*)` into 2, the name and the version.
fn parse_line(line: &str) -> Result<(usize, Package), String> {
    let name_at = line.find(|character: char| !character.is_ascii_digit()).unwrap_or(line.len());
    let mut words = line[name_at..].split(' ');
    match (line[..name_at].parse(), words.next(), words.next()) {
        (Ok(depth), Some(name), Some(version)) => Ok((depth, (name.into(), version.into()))),
        _ => Err(format!("cannot read `{line}` of cargo tree")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0top v0.1.0 (somewhere)
1left v1.0.0
2leaf v1.0.0
3deep v1.0.0
1right v1.0.0 (proc-macro)
2leaf v1.0.0 (*)
1leaf v2.0.0
";

    fn chain(target: &str, doors: &[&str]) -> Option<Vec<String>> {
        let graph = Graph::parse(TREE).expect("a well-formed tree");
        let names = graph.chain(&|name| name == target, doors)?;
        Some(names.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn the_shortest_chain_is_named_from_the_root() {
        assert_eq!(chain("leaf", &[]).expect("a way"), ["top", "leaf"]);
        assert_eq!(chain("deep", &[]).expect("a way"), ["top", "left", "leaf", "deep"]);
        assert_eq!(chain("absent", &[]), None);
    }

    #[test]
    fn a_way_round_the_door_is_found_although_cargo_prints_a_subtree_once() {
        assert_eq!(chain("deep", &["left"]).expect("a way"), ["top", "right", "leaf", "deep"]);
        assert_eq!(chain("deep", &["leaf"]), None);
    }

    #[test]
    fn the_root_is_not_its_own_dependency() {
        assert_eq!(chain("top", &[]), None);
    }

    #[test]
    fn what_is_no_tree_is_refused_with_the_line() {
        assert_eq!(Graph::parse("").expect_err("empty"), "cargo tree printed nothing");
        assert_eq!(Graph::parse("top").expect_err("no depth"), "cannot read `top` of cargo tree");
        let error = Graph::parse("0top v1\n2deep v1").expect_err("a jump");
        assert_eq!(error, "cargo tree jumps to depth 2 at `2deep v1`");
    }
}
