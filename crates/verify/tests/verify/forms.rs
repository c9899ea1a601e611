//! Every form of answer, with equals and differences of each.

use forethought_verify::{Verdict, verify};

/// Checks that the first is equal to each of the second and different from each of the third.
pub(crate) fn check(gold: &str, equal: &[&str], different: &[&str]) {
    for answer in equal {
        let judgement = verify(gold, answer);
        assert_eq!(judgement.verdict, Verdict::Equal, "{gold} and {answer}: {judgement:?}");
    }
    for answer in different {
        let judgement = verify(gold, answer);
        assert_eq!(judgement.verdict, Verdict::Different, "{gold} and {answer}: {judgement:?}");
    }
}

#[test]
fn numbers_are_read_in_every_spelling() {
    check(
        "1234567",
        &["1,234,567", r"1{,}234{,}567", r"1\,234\,567", "1 234 567", "1234567.0"],
        &["1,234,568", "123456"],
    );
    check(
        "3/8",
        &["0.375", r"\dfrac{3}{8}", r"\frac38", r"37.5\%", "6/16"],
        &["0.37", "8/3", "-3/8"],
    );
    check("7/3", &["2 1/3", r"2\frac{1}{3}", r"2\tfrac13"], &[r"3\frac13", r"2\frac{2}{3}"]);
    check("0.00052", &["5.2e-4", r"5.2\times10^{-4}", "5.2E-04"], &["5.2e-3", "5.3e-4"]);
    check(r"0.1\overline{6}", &["1/6"], &["0.16", r"0.\overline{16}"]);
    check("FF", &["FF"], &["12"]);
    check("255", &["11111111_2", "377_8", r"(100110)_3"], &["11111110_2", "255_8"]);
}

#[test]
fn constants_and_functions_have_their_values() {
    check(
        r"2\sqrt{3}",
        &[r"\sqrt{12}", r"\frac{6}{\sqrt3}", "2*sqrt(3)", r"2\cdot 3^{1/2}"],
        &[r"3\sqrt2", r"\sqrt6", "3.46"],
    );
    check("120", &["5!", r"\binom{10}{3}", r"5\cdot 4!"], &["4!", r"\binom{10}{4}"]);
    check(r"45^\circ", &[r"\arctan 1", r"\arctan\frac12+\arctan\frac13"], &[r"\arctan 2"]);
    check("3", &[r"\log_2 8", r"\ln e^3", r"\log 1000", r"\lg 1000"], &[r"\log_2 9", r"\ln 3"]);
    check(
        r"\frac{1}{2}",
        &[r"\sin\frac{\pi}{6}", r"\cos 60^\circ", r"\sin^2 45^\circ"],
        &[r"\sin 30", r"\cos\frac{\pi}{6}"],
    );
    check(r"\sin 2x", &[r"2\sin x\cos x"], &[r"\sin x\cos x", r"2\sin x"]);
    check("3+4i", &["4i+3", "-i(-4+3i)"], &["3-4i", "4+3i"]);
}

#[test]
fn variables_and_their_names_matter() {
    check("x^2-1", &["(x-1)(x+1)", "-1+x^2"], &["x^2+1", "y^2-1", "(x-1)^2"]);
    check("|x|", &[r"\sqrt{x^2}"], &["x", "-x"]);
    check("y=2x+3", &["2x-y+3=0", "2x+3", "y-3=2x"], &["y=2x-3", "x=2y+3"]);
    check("x=5", &["5", "x=2+3=5"], &["x=6", "y=5"]);
    check("f(x)=x^2", &["f(t)=t^2", "x^2"], &["f(x)=x^3"]);
}

#[test]
fn signs_lists_sets_and_tuples_are_told_apart() {
    check(
        r"1\pm\sqrt2",
        &[r"1-\sqrt2, 1+\sqrt2", r"\{1+\sqrt2, 1-\sqrt2\}", r"x=1\pm\sqrt2"],
        &[r"1+\sqrt2", r"1\pm\sqrt3"],
    );
    check(
        r"\{1,2,3\}",
        &["3,2,1", r"\{2,1,3\}", r"x=1 \text{ or } x=2 \text{ or } x=3"],
        &["1,2", "1,2,4"],
    );
    check("(1,2)", &[r"\left(1, 2\right)", "(x,y)=(1,2)", "x=1, y=2"], &["(2,1)", r"\{1,2\}"]);
    check("2:3", &["4:6", r"\frac23"], &["3:2"]);
    check("12:05", &["12:05"], &["1:05"]);
}

#[test]
fn sets_of_reals_are_compared_by_their_members() {
    check("x>2", &[r"(2,\infty)", "2<x", "3x>6", "-x<-2"], &[r"[2,\infty)", "x<2", "x>3"]);
    check(r"[0,1)\cup(2,3]", &[r"(2,3]\cup[0,1)"], &["[0,3]", r"[0,1]\cup(2,3]"]);
    check("|x-1|<3", &["-2<x<4", "(-2,4)"], &["(-2,4]", "x<4", "(-2,4.001)"]);
    check(
        r"\mathbb{R}\setminus\{2\}",
        &[r"x\neq 2", r"(-\infty,2)\cup(2,\infty)"],
        &[r"\mathbb{R}"],
    );
    check("x<1 or x>3", &[r"(-\infty,1)\cup(3,\infty)"], &["(1,3)"]);
}

#[test]
fn matrices_are_compared_by_entries() {
    check(
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        &[
            r"\begin{bmatrix}1&2\\3&\frac{8}{2}\end{bmatrix}",
            r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]",
        ],
        &[r"\begin{pmatrix}1&3\\2&4\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"],
    );
    check(
        "-2",
        &[r"\begin{vmatrix}1&2\\3&4\end{vmatrix}"],
        &[r"\begin{vmatrix}1&2\\3&5\end{vmatrix}"],
    );
}

#[test]
fn units_are_converted_and_may_be_missing() {
    check(
        r"5\text{ m}",
        &["5", r"500\text{ cm}", r"5\,\mathrm{m}", "5 meters"],
        &[r"5\text{ cm}", "6 m"],
    );
    check(r"60\text{ km/h}", &["60", r"60\,\mathrm{km}/\mathrm{h}"], &["61"]);
    check(r"\$12.50", &["12.5", "12.50 dollars"], &["12.05"]);
    check("9 (apples)", &["9", "9 apples"], &["8 apples"]);
}

#[test]
fn words_and_letters_are_compared_as_such() {
    check(r"\text{Evelyn}", &["Evelyn", r"\boxed{\text{evelyn}}"], &[r"\text{Carla}"]);
    check(
        "B",
        &["(B)", r"\textbf{(B)}\ 12", "The answer is B.", "故选B"],
        &["(C)", "The answer is A."],
    );
}

#[test]
fn chinese_wording_is_read() {
    check(
        "12",
        &["答案是12元", "所以一共有12个苹果。", "答：小明有12本书。", "１２", "十二"],
        &["答案是13元"],
    );
    check(r"35\%", &["百分之35", "百分之三十五"], &["百分之三十四"]);
    check("3/4", &["四分之三"], &["三分之四"]);
}

#[test]
fn an_answer_is_found_where_it_is_announced() {
    check(
        "42",
        &[
            r"First $x=7$, then \boxed{42}.",
            "The final answer is 42. I hope it is correct.",
            "Answer: 42",
            "She has 12 and then 30 more, 42",
            "#### 42",
            "<answer>42</answer>",
            r"\[ 42 \]",
            r"so \(6\cdot 7\)",
        ],
        &["The answer is 41, not 42.", r"\boxed{41}", "#### 43"],
    );
    check("2,3", &["$2$ and $3$", r"\boxed{2} and \boxed{3}"], &["$2$", r"\boxed{3}"]);
    check("28%", &[r"$\boxed{28}$ percent", "$28$ pct", "It grows by 28%."], &["It grows by 27%."]);
}
