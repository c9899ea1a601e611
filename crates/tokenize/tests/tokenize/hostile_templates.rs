//! Templates that would fill the memory, the time or the stack: each in a process of its own, whose peak is measured.

use std::env;
use std::fs;
use std::process::Command;

use forethought_schema::{Message, Role};
use forethought_tokenize::{ChatTemplate, Conversation};
use serde_json::Map;

/// Names the template that a child process shall render.
const CHOSEN: &str = "FORETHOUGHT_TEST_TEMPLATE";
/// What a template may take, in megabytes.
const MAX_MEGABYTES: usize = 512;
/// What a template may take, in hundredths of a second of the processor's time. An optimised build takes a fifth.
const MAX_TIME: usize = 400;

/// A name, and the source of a template.
type Template = (&'static str, String);

/// What each template tries, and its source. Every one of them is refused.
fn templates() -> Vec<Template> {
    [doubling(), multiplying(), listing(), nesting(), reading()].concat()
}

const LIST: &str = "{% set n = namespace(x=[1]) %}";

fn grown(start: &str, step: &str, count: usize) -> String {
    format!("{start}{}", step.repeat(count))
}

/// A text `s` of some length, and what is done with it.
fn long(count: usize) -> String {
    format!("{{% set s = 'ab' * {} %}}", count / 2)
}

fn looped(start: &str, step: &str) -> String {
    format!("{start}{{% for i in range(99999) %}}{step}{{% endfor %}}{{{{ n.x }}}}")
}

/// Operators that double.
fn doubling() -> Vec<Template> {
    vec![
        ("~ doubles", grown("{% set x = 'aaaaaaaa' %}", "{% set x = x ~ x %}", 40)),
        ("+ doubles", grown("{% set x = 'aaaaaaaa' %}", "{% set x = x + x %}", 40)),
        ("lists double", grown("{% set x = [1, 'a'] %}", "{% set x = x + x %}", 40)),
        ("tuples double", grown("{% set x = (1, 'a') %}", "{% set x = x + x %}", 40)),
        ("a loop doubles", looped("{% set n = namespace(x='a') %}", "{% set n.x = n.x ~ n.x %}")),
    ]
}

/// Products.
fn multiplying() -> Vec<Template> {
    vec![
        ("a text times a number", "{{ ('a' * 99000000)|length }}".into()),
        ("constants are folded", format!("{{{{ [{}]|length }}}}", "'a' * 99000000, ".repeat(99))),
        ("a list times a number", "{{ ([1] * 99000000)|list|length }}".into()),
        ("a tuple times a number", "{{ ((1, 2, 3) * 33000000)|length }}".into()),
        ("replace", long(4_000_000) + "{{ s|replace('', s)|length }}"),
        ("replace as a method", long(4_000_000) + "{{ s.replace('a', s)|length }}"),
        ("replace for each", long(4_000_000) + "{{ [s]|map('replace', 'a', s)|list|length }}"),
        ("join", long(4_000_000) + "{{ range(90000)|join(s)|length }}"),
        ("join as a method", long(4_000_000) + "{{ s.join(['a'] * 1000)|length }}"),
        ("indent", "{% set s = '\\n' * 9000000 %}{{ s|indent(4000)|length }}".into()),
        ("format", "{{ '%999999999d'|format(1)|length }}".into()),
        ("format with a star", "{{ '%*d'|format(999999999, 1)|length }}".into()),
        ("format as a method", "{{ '{:>99999999999}'.format('a')|length }}".into()),
        ("format repeats", long(9_000_000) + "{{ ('{0}' * 1000).format(s)|length }}"),
        ("tojson indents", "{{ [[1]]|tojson(indent=999999999)|length }}".into()),
        ("batch", "{{ [1]|batch(999999999, 0)|list|length }}".into()),
        ("slice", "{{ [1]|slice(999999999)|list|length }}".into()),
    ]
}

/// Many small things.
fn listing() -> Vec<Template> {
    vec![
        ("characters", long(16_000_000) + "{{ s|list|length }}"),
        ("split", long(16_000_000) + "{{ s.split('a')|length }}"),
        ("split as a filter", long(16_000_000) + "{{ s|split('b')|list|length }}"),
        ("lines", "{% set s = '\\n' * 16000000 %}{{ s.splitlines()|length }}".into()),
        (
            "plain text in a block",
            format!(
                "{{% set x %}}{{% for i in range(99999) %}}{}{{% endfor %}}{{% endset %}}",
                "x".repeat(50_000)
            ),
        ),
        (
            "macros keep what they see",
            "{% for i in range(99999) %}{% for j in range(99999) %}{% macro m() %}{{ i }}{% endmacro %}{% endfor %}{% endfor %}".into(),
        ),
    ]
}

/// Things in things.
fn nesting() -> Vec<Template> {
    vec![
        ("lists in lists", looped(LIST, "{% set n.x = [n.x] %}")),
        ("maps in maps", looped(LIST, "{% set n.x = {'a': n.x} %}")),
        ("dicts in dicts", looped(LIST, "{% set n.x = dict(a=n.x) %}")),
        ("lists twice in lists", grown(LIST, "{% set n.x = [n.x, n.x] %}", 60) + "{{ n.x ~ '' }}"),
        ("a namespace in itself", LIST.to_owned() + "{% set n.x = n %}{{ n }}"),
        (
            "namespaces in namespaces",
            looped(LIST, "{% set m = namespace() %}{% set m.x = n %}{% set n = m %}"),
        ),
        ("lists of one more", looped(LIST, "{% set n.x = n.x + [i] %}")),
        ("slices of slices", looped(LIST, "{% set n.x = (n.x + [i, i])[1:] %}")),
        ("reversed again", looped(LIST, "{% set n.x = (n.x + [1])|reverse %}")),
        ("zip in zip", looped(LIST, "{% set n.x = [1]|zip([n.x]) %}")),
    ]
}

/// What is read again and again, or cannot be read at all.
fn reading() -> Vec<Template> {
    vec![
        ("arguments of lists", format!("{{{{ dict({}) }}}}", "*range(99999), ".repeat(3000))),
        (
            "a macro in itself",
            format!(
                "{{% macro m() %}}{{{{ [{} m()] }}}}{{% endmacro %}}{{{{ m() }}}}",
                "1,".repeat(30_000)
            ),
        ),
        (
            "a loop in itself",
            format!(
                "{{% for i in [1] recursive %}}{{{{ [{} loop([i])] }}}}{{% endfor %}}",
                "i,".repeat(30_000)
            ),
        ),
        (
            "conditions in loops",
            format!(
                "{}{}",
                "{% for i in range(99999) if true %}".repeat(100),
                "{% endfor %}".repeat(100)
            ),
        ),
        ("reads again", long(16_000_000) + "{% for i in range(99999) %}{{ 'c' in s }}{% endfor %}"),
        (
            "compares again",
            long(16_000_000) + "{% for i in range(99999) %}{{ s == s ~ '' }}{% endfor %}",
        ),
        (
            "sums of lists",
            "{{ range(9999)|map('string')|map('list')|list|sum(start=[])|length }}".into(),
        ),
        ("signs", format!("{{{{ {}1 }}}}", "-".repeat(60_000))),
        ("operators", format!("{{{{ 1{} }}}}", " + 1".repeat(15_000))),
        ("attributes", format!("{{{{ a{} }}}}", ".a".repeat(30_000))),
        ("brackets", format!("{{{{ {}1{} }}}}", "(".repeat(30_000), ")".repeat(30_000))),
        ("filters", format!("{{{{ 1{} }}}}", "|nil".repeat(15_000))),
        ("branches", format!("{{% if x.y.z %}}{}{{% endif %}}", "{% elif x %}".repeat(5_000))),
        ("blocks", format!("{}{}", "{% if 1 %}".repeat(3000), "{% endif %}".repeat(3000))),
    ]
}

/// What the child does: it renders one template and says what it took. In the parent it has nothing to do.
#[expect(clippy::print_stdout, reason = "that is how it tells its parent")]
#[test]
fn one_rendering() {
    let Ok(chosen) = env::var(CHOSEN) else { return };
    let (_, source) = templates().into_iter().find(|(name, _)| *name == chosen).unwrap();
    let conversation = Conversation::new(&[Message::new(Role::User, "Hi")]);
    let rendered = ChatTemplate::parse("t", &source, &Map::new())
        .and_then(|template| template.render(&conversation));
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // The 14th and 15th field, in hundredths of a second; the second field ends with a bracket.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let times = fields.split_whitespace().skip(11).take(2);
    let time: usize = times.map(|ticks| ticks.parse::<usize>().unwrap()).sum();
    let error = rendered.map_or_else(|error| error.to_string(), |text| format!("ok: {text:.40}"));
    println!("TOOK {} {time} {error}", peak / 1024);
}

/// 24 rounds of `x ~ x` once took 268 MB, 40 would have taken everything.
#[cfg(target_os = "linux")]
#[test]
fn hostile_templates_are_refused_within_the_memory_and_the_time_of_an_honest_one() {
    let mut wrong = Vec::new();
    for (name, _) in templates() {
        // Should one of them get through some day, it shall take neither the machine nor the night.
        let mut child = Command::new("sh");
        child.args(["-c", "ulimit -v 4194304; ulimit -t 60; exec \"$0\" \"$@\""]);
        child.arg(env::current_exe().unwrap());
        child.args(["--exact", "hostile_templates::one_rendering", "--nocapture"]);
        let output = child.env(CHOSEN, name).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let Some((_, took)) = printed.split_once("TOOK ") else {
            wrong.push(format!("{name}: died: {:?} {output:?}", output.status));
            continue;
        };
        let mut words = took.splitn(3, ' ');
        let mut number = || words.next().unwrap().parse::<usize>().unwrap();
        let (megabytes, time) = (number(), number());
        let line = took.lines().next().unwrap_or_default();
        let is_refused = line.contains("chat template t: ");
        if !is_refused || megabytes > MAX_MEGABYTES || time > MAX_TIME {
            wrong.push(format!("{name}: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
