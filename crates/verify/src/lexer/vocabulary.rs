//! The commands of LaTeX that are known, and what they stand for.

use super::Token;
use crate::expression::Relation;

/// Commands the grammar knows under their own name.
pub(super) const KNOWN: &[&str] = &[
    "frac",
    "binom",
    "sqrt",
    "cdot",
    "div",
    "pm",
    "mp",
    "cup",
    "cap",
    "setminus",
    "infty",
    "pi",
    "emptyset",
    "overline",
    "tilde",
    "lfloor",
    "rfloor",
    "lceil",
    "rceil",
    "sum",
    "prod",
    "int",
    "lim",
    "to",
    "mod",
    "Rightarrow",
    "Re",
    "Im",
    "arg",
    "sin",
    "cos",
    "tan",
    "cot",
    "sec",
    "csc",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "ln",
    "log",
    "lg",
    "exp",
    "gcd",
    "lcm",
    "max",
    "min",
    "det",
    "abs",
    "floor",
    "ceil",
    "partial",
    "nabla",
    "hbar",
];

/// Letters that are written as commands.
const GREEK: &[&str] = &[
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
    "Gamma",
    "Delta",
    "Theta",
    "Lambda",
    "Xi",
    "Pi",
    "Sigma",
    "Upsilon",
    "Phi",
    "Psi",
    "Omega",
    "ell",
    "aleph",
];

/// Commands that say how something looks.
const IGNORED: &[&str] = &[
    "left",
    "right",
    "mleft",
    "mright",
    "middle",
    "displaystyle",
    "textstyle",
    "scriptstyle",
    "limits",
    "nolimits",
    "big",
    "Big",
    "bigg",
    "Bigg",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
    "biggl",
    "biggr",
    "Biggl",
    "Biggr",
    "quad",
    "qquad",
    "hline",
    "nonumber",
    "notag",
    "rm",
    "bf",
    "it",
    "boxed",
    "fbox",
    "vec",
    "hat",
    "mathbf",
    "boldsymbol",
    "mathcal",
    "mathsf",
    "underline",
    "bm",
    "bold",
    "ensuremath",
    "overrightarrow",
    "widehat",
    "hfill",
    "noindent",
    "thinspace",
    "space",
    "angle",
    "triangle",
    "therefore",
    "because",
    "thickspace",
    "enspace",
    "large",
    "Large",
    "small",
    "mathop",
    "mathord",
    "strut",
    "nobreak",
    "pounds",
    "euro",
    "square",
    "checkmark",
    "par",
    "newline",
    "medspace",
    "negthinspace",
    "mathstrut",
];

/// Commands whose group is text.
const TEXTS: &[&str] = &[
    "text",
    "mathrm",
    "mbox",
    "textbf",
    "textnormal",
    "textit",
    "mathit",
    "operatorname",
    "textrm",
    "texttt",
    "hbox",
    "mathtt",
    "textsf",
    "mathsc",
    "textsc",
    "emph",
];

/// Commands whose group is dropped with them.
const DROPPED: &[&str] = &[
    "phantom",
    "hphantom",
    "vphantom",
    "hspace",
    "vspace",
    "color",
    "label",
    "tag",
    "textcolor",
    "kern",
];

/// Other names of known commands.
const ALIASES: &[(&str, &str)] = &[
    ("dfrac", "frac"),
    ("tfrac", "frac"),
    ("cfrac", "frac"),
    ("dbinom", "binom"),
    ("tbinom", "binom"),
    ("times", "cdot"),
    ("ast", "cdot"),
    ("star", "cdot"),
    ("bullet", "cdot"),
    ("bigcup", "cup"),
    ("bigcap", "cap"),
    ("backslash", "setminus"),
    ("smallsetminus", "setminus"),
    ("varnothing", "emptyset"),
    ("bar", "overline"),
    ("rightarrow", "to"),
    ("longrightarrow", "to"),
    ("implies", "Rightarrow"),
    ("iff", "Rightarrow"),
    ("Leftrightarrow", "Rightarrow"),
    ("Longrightarrow", "Rightarrow"),
    ("pmod", "mod"),
    ("bmod", "mod"),
    ("arcsinh", "sinh"),
    ("tg", "tan"),
    ("ctg", "cot"),
    ("cotan", "cot"),
    ("cosec", "csc"),
    ("arctg", "arctan"),
    ("operatorname*", "operatorname"),
    ("iint", "int"),
    ("coloneqq", "="),
    ("over", "over"),
    ("choose", "choose"),
];

/// What a command stands for.
pub(super) enum Meaning {
    Command(&'static str),
    Letter(char),
    Ignored,
    Text,
    Dropped,
    Token(Token),
}

/// What a command of this name stands for.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    if let Some((_, usual)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
        return Some(if *usual == "=" {
            Meaning::Token(Token::Relation(Relation::Equal))
        } else {
            Meaning::Command(usual)
        });
    }
    if let Some(known) = KNOWN.iter().chain(GREEK).find(|known| **known == name) {
        return Some(Meaning::Command(known));
    }
    if TEXTS.contains(&name) {
        return Some(Meaning::Text);
    }
    if IGNORED.contains(&name) {
        return Some(Meaning::Ignored);
    }
    if DROPPED.contains(&name) {
        return Some(Meaning::Dropped);
    }
    token(name)
}

fn token(name: &str) -> Option<Meaning> {
    Some(match name {
        "imath" => Meaning::Letter('i'),
        "jmath" => Meaning::Letter('j'),
        _ => Meaning::Token(match name {
            "le" | "leq" | "leqslant" | "leqq" => Token::Relation(Relation::LessEqual),
            "ge" | "geq" | "geqslant" | "geqq" => Token::Relation(Relation::GreaterEqual),
            "lt" => Token::Relation(Relation::Less),
            "gt" => Token::Relation(Relation::Greater),
            "ne" | "neq" => Token::Relation(Relation::NotEqual),
            "equiv" => Token::Relation(Relation::Equal),
            "in" => Token::Relation(Relation::In),
            "approx" | "sim" | "simeq" | "cong" | "thickapprox" => Token::Approximately,
            "lvert" | "rvert" | "vert" | "mid" | "lVert" | "rVert" | "Vert" => Token::Mark('|'),
            "lbrace" => Token::SetOpen,
            "rbrace" => Token::SetClose,
            "lbrack" => Token::Mark('['),
            "rbrack" => Token::Mark(']'),
            "lparen" | "langle" => Token::Mark('('),
            "rparen" | "rangle" => Token::Mark(')'),
            "colon" => Token::Mark(':'),
            "land" | "lor" | "wedge" | "vee" => Token::Mark(','),
            "prime" => Token::Mark('\''),
            "ldots" | "dots" | "cdots" | "dotsc" | "dotsm" | "dotsb" => Token::Letter('…'),
            "cr" => Token::Row,

            _ => return None,
        }),
    })
}
