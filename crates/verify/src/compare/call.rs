//! `C(10, 3)` and `P(3, -1)`, which are read as products: numbers of choices beside a number, points beside a tuple.

use super::Judge;
use crate::exact::exact;
use crate::expression::{Id, Node};
use crate::parser::Counted;

impl Judge {
    /// Both sides, a letter with arguments as what it means beside the other side.
    pub(super) fn called(&mut self, gold: Id, answer: Id) -> (Id, Id) {
        let place = |judge: &Self, id: Id| {
            let vertical = matches!(judge.arena.node(id), Node::Matrix(..));
            vertical || matches!(judge.arena.node(id), Node::Tuple(_) | Node::Interval(..))
        };
        let (is_place, also) = (place(self, gold), place(self, answer));
        let read = |judge: &mut Self, id: Id, beside_place: bool| {
            let (letter, arguments) = judge.letter_and_arguments(id)?;
            if beside_place { Some(arguments) } else { judge.choices(letter, arguments) }
        };
        let gold_read = read(self, gold, also);
        let answer_read = read(self, answer, is_place);
        match (gold_read, answer_read) {
            // Two points with names are compared with them.
            (Some(_), Some(_)) => (gold, answer),
            (x, y) => (x.unwrap_or(gold), y.unwrap_or(answer)),
        }
    }

    /// Both sides, `g(a + b)` as a product where the other side has a g that is a factor.
    pub(super) fn factored(&mut self, gold: Id, answer: Id) -> (Id, Id) {
        for name in ["f", "g", "h"] {
            let (one, other) = (self.is_factor(name, gold), self.is_factor(name, answer));
            if one && self.is_applied(name, answer) && !other {
                return (gold, self.as_product(name, answer));
            }
            if other && self.is_applied(name, gold) && !one {
                return (self.as_product(name, gold), answer);
            }
        }
        (gold, answer)
    }

    fn is_factor(&self, name: &str, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::Symbol(symbol) if symbol == name))
    }

    fn is_applied(&self, name: &str, id: Id) -> bool {
        self.arena.any(id, &|node| matches!(node, Node::Apply(applied, _) if applied == name))
    }

    fn as_product(&mut self, name: &str, id: Id) -> Id {
        let node = self.arena.node(id).clone();
        let children: Vec<Id> =
            node.children().into_iter().map(|child| self.as_product(name, child)).collect();
        if let (Node::Apply(applied, _), [argument]) = (&node, &children[..])
            && applied == name
        {
            let factor = self.arena.symbol(name);
            return self.arena.product(vec![factor, *argument]);
        }
        let mut next = children.into_iter();
        let node = node.with_children(|child| next.next().unwrap_or(child));
        self.arena.add(node)
    }

    /// A letter right before a tuple.
    fn letter_and_arguments(&self, id: Id) -> Option<(char, Id)> {
        let Node::Product(ids) = self.arena.node(id) else { return None };
        let [name, arguments] = ids[..] else { return None };
        let (Node::Symbol(name), Node::Tuple(_)) =
            (self.arena.node(name), self.arena.node(arguments))
        else {
            return None;
        };
        let mut letters = name.chars();
        let letter = letters.next().filter(char::is_ascii_alphabetic)?;
        letters.next().is_none().then_some((letter, arguments))
    }

    /// The number of choices that a letter and two whole numbers stand for.
    fn choices(&mut self, letter: char, arguments: Id) -> Option<Id> {
        let counted = Counted::named(letter.to_ascii_uppercase())?;
        let Node::Tuple(ids) = self.arena.node(arguments) else { return None };
        let [all, chosen] = ids[..] else { return None };
        let whole =
            |id: Id| exact(&self.arena, id, &self.budget).filter(num_rational::Ratio::is_integer);
        let fits = whole(chosen)? <= whole(all)?;
        fits.then(|| self.arena.count(counted, all, chosen))
    }
}
