//! Expressions with their symbols renamed.

use crate::expression::{Arena, Id, Node};

impl Arena {
    /// The same expression with every symbol renamed.
    pub(crate) fn with_symbols(&mut self, id: Id, rename: &dyn Fn(&str) -> String) -> Id {
        let node = self.node(id).clone();
        let node = match node {
            Node::Symbol(name) => Node::Symbol(rename(&name)),
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
