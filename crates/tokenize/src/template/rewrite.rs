//! A template written again, with everything that makes a text or a value paying for it.
//!
//! The engine lets a program give it filters and functions, but not operators, and not a view of what is written inside a
//! macro. So the syntax tree of a template is written out again: its plain text as expressions, which a formatter sees,
//! its operators between filters that pay, one `~` of many operands as one filter. Constants are not folded then, either:
//! the compiler would multiply a text by a million. Line numbers stay what they were.

mod expressions;

use minijinja::Error;
use minijinja::machinery::ast::{
    CallBlock, Expr, ForLoop, IfCond, Macro, Set, SetBlock, Stmt, WithBlock,
};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;

use super::operators::{CLOSURE, STORED, TOUCHED};

/// The source of a template that does the same and pays for it; it is to be read with the usual syntax.
///
/// # Errors
///
/// If the source is no template, or needs other files.
pub(super) fn rewrite(name: &str, source: &str, syntax: SyntaxConfig) -> Result<String, String> {
    let tree = parse(source, name, syntax).map_err(|error: Error| error.to_string())?;
    let mut writer = Writer { text: String::new(), line: 1, name };
    match &tree {
        Stmt::Template(template) => writer.statements(&template.children)?,
        statement => writer.statement(statement)?,
    }
    Ok(writer.text)
}

struct Writer<'a> {
    text: String,
    line: usize,
    name: &'a str,
}

type Written = Result<(), String>;

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Goes to the line on which something stood; blanks mean nothing within a tag.
    fn go_to(&mut self, span: Span) {
        let wanted = usize::from(span.start_line);
        if self.line < wanted {
            self.text.extend(std::iter::repeat_n('\n', wanted - self.line));
            self.line = wanted;
        }
    }

    fn open(&mut self, span: Span, keyword: &str) {
        self.put("{% ");
        self.go_to(span);
        self.put(keyword);
        self.put(" ");
    }

    fn close(&mut self) {
        self.put(" %}");
    }

    fn tag(&mut self, keyword: &str) {
        self.put("{% ");
        self.put(keyword);
        self.put(" %}");
    }

    fn statements(&mut self, statements: &[Stmt<'_>]) -> Written {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Written {
        match statement {
            Stmt::EmitRaw(raw) => {
                self.put("{{ ");
                self.string(raw.raw);
                self.put(" }}");
            }
            Stmt::EmitExpr(emitted) => {
                self.put("{{ ");
                self.go_to(emitted.span());
                self.expression(&emitted.expr)?;
                self.put(" }}");
            }
            Stmt::ForLoop(of) => self.for_loop(of, of.span())?,
            Stmt::IfCond(condition) => {
                self.condition(condition, "if", condition.span())?;
                self.tag("endif");
            }
            Stmt::WithBlock(with) => self.with(with, with.span())?,
            Stmt::Set(set) => self.set(set, set.span())?,
            Stmt::SetBlock(set) => self.set_block(set, set.span())?,
            Stmt::AutoEscape(escape) => {
                self.open(escape.span(), "autoescape");
                self.expression(&escape.enabled)?;
                self.close();
                self.statements(&escape.body)?;
                self.tag("endautoescape");
            }
            Stmt::FilterBlock(block) => {
                self.open(block.span(), "filter");
                self.filters(&block.filter)?;
                self.close();
                self.statements(&block.body)?;
                self.tag("endfilter");
            }
            Stmt::Macro(declared) => self.declaration(declared, declared.span())?,
            Stmt::CallBlock(block) => self.call_block(block, block.span())?,
            Stmt::Continue(_) => self.tag("continue"),
            Stmt::Break(_) => self.tag("break"),
            Stmt::Do(done) => {
                self.open(done.span(), "do");
                self.call(&done.call)?;
                self.close();
            }
            Stmt::Template(template) => self.statements(&template.children)?,
            _ => return Err(self.refused()),
        }
        Ok(())
    }

    /// Blocks and what takes in other templates.
    fn refused(&self) -> String {
        let name = self.name;
        format!(
            "syntax error: `block`, `extends`, `include` and `import` take in other templates, and a chat template is \
             alone (in {name}, after line {})",
            self.line
        )
    }

    fn for_loop(&mut self, of: &ForLoop<'_>, span: Span) -> Written {
        self.open(span, "for");
        self.target(&of.target);
        self.put(" in ");
        self.guarded(&of.iter, TOUCHED)?;
        if let Some(condition) = &of.filter_expr {
            self.put(" if ");
            self.expression(condition)?;
        }
        if of.recursive {
            self.put(" recursive");
        }
        self.close();
        self.statements(&of.body)?;
        if !of.else_body.is_empty() {
            self.tag("else");
            self.statements(&of.else_body)?;
        }
        self.tag("endfor");
        Ok(())
    }

    /// Without its end, so that an `elif` nests no deeper than it did.
    fn condition(&mut self, condition: &IfCond<'_>, keyword: &str, span: Span) -> Written {
        self.open(span, keyword);
        self.expression(&condition.expr)?;
        self.close();
        self.statements(&condition.true_body)?;
        match condition.false_body.as_slice() {
            [] => Ok(()),
            [Stmt::IfCond(next)] => self.condition(next, "elif", next.span()),
            body => {
                self.tag("else");
                self.statements(body)
            }
        }
    }

    fn with(&mut self, with: &WithBlock<'_>, span: Span) -> Written {
        self.open(span, "with");
        for (index, (target, value)) in with.assignments.iter().enumerate() {
            self.put(if index > 0 { ", " } else { "" });
            self.target(target);
            self.put(" = ");
            self.expression(value)?;
        }
        self.close();
        self.statements(&with.body)?;
        self.tag("endwith");
        Ok(())
    }

    fn set(&mut self, set: &Set<'_>, span: Span) -> Written {
        self.open(span, "set");
        self.target(&set.target);
        self.put(" = ");
        if matches!(set.target, Expr::GetAttr(_)) {
            self.guarded(&set.expr, STORED)?;
        } else {
            self.expression(&set.expr)?;
        }
        self.close();
        Ok(())
    }

    fn set_block(&mut self, set: &SetBlock<'_>, span: Span) -> Written {
        self.open(span, "set");
        self.target(&set.target);
        if let Some(filter) = &set.filter {
            self.put(" | ");
            self.filters(filter)?;
        }
        self.close();
        self.statements(&set.body)?;
        self.tag("endset");
        Ok(())
    }

    fn declaration(&mut self, declared: &Macro<'_>, span: Span) -> Written {
        self.closure();
        self.open(span, "macro");
        self.put(declared.name);
        self.parameters(declared)?;
        self.close();
        self.statements(&declared.body)?;
        self.tag("endmacro");
        Ok(())
    }

    fn call_block(&mut self, block: &CallBlock<'_>, span: Span) -> Written {
        self.closure();
        self.open(span, "call");
        if !block.macro_decl.args.is_empty() {
            self.parameters(&block.macro_decl)?;
            self.put(" ");
        }
        self.call(&block.call)?;
        self.close();
        self.statements(&block.macro_decl.body)?;
        self.tag("endcall");
        Ok(())
    }

    fn closure(&mut self) {
        self.put("{{ ''|");
        self.put(CLOSURE);
        self.put(" }}");
    }

    /// The last parameters have the defaults.
    fn parameters(&mut self, declared: &Macro<'_>) -> Written {
        self.put("(");
        let without = declared.args.len() - declared.defaults.len();
        for (index, parameter) in declared.args.iter().enumerate() {
            self.put(if index > 0 { ", " } else { "" });
            self.target(parameter);
            if let Some(default) = index.checked_sub(without).map(|index| &declared.defaults[index])
            {
                self.put("=");
                self.expression(default)?;
            }
        }
        self.put(")");
        Ok(())
    }

    /// What is assigned to: a name, an attribute of a namespace, or several in brackets.
    fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(variable) => self.put(variable.id),
            Expr::GetAttr(attribute) => {
                self.target(&attribute.expr);
                self.put(".");
                self.put(attribute.name);
            }
            Expr::List(list) => {
                self.put("(");
                for item in &list.items {
                    self.target(item);
                    self.put(", ");
                }
                self.put(")");
            }
            _ => {}
        }
    }
}
