//! Expressions with their symbols renamed.

use crate::expression::{Arena, Constant, Id, Node};

impl Arena {
    /// The same expression with every symbol renamed.
    pub(crate) fn with_symbols(&mut self, id: Id, rename: &dyn Fn(&str) -> String) -> Id {
        let node = self.node(id).clone();
        let node = match node {
            Node::Symbol(name) => named(rename(&name), &name),
            node => {
                let children: Vec<Id> = node
                    .children()
                    .into_iter()
                    .map(|child| self.with_symbols(child, rename))
                    .collect();
                if children.is_empty() {
                    return id;
                }
                let mut next = children.into_iter();
                let node = node.with_children(|child| next.next().unwrap_or(child));
                match node {
                    Node::Apply(name, arguments) => Node::Apply(rename(&name), arguments),
                    node => node,
                }
            }
        };
        self.add(node)
    }
}

/// A symbol under a new name. A capital `E` or `I` in lower case is the constant.
fn named(new: String, old: &str) -> Node {
    match (old, new.as_str()) {
        ("E", "e") => Node::Constant(Constant::Euler),
        ("I", "i") => Node::Constant(Constant::Imaginary),
        _ => Node::Symbol(new),
    }
}
