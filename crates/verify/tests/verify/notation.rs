//! Notations that stand next to each other: whoever reads one of a family should read the others.

use super::forms::check;

#[test]
fn numerals_with_a_base_are_read_in_every_notation() {
    check(
        "1011_2",
        &[
            "1011_{2}",
            "(1011)_2",
            r"1011_{\text{two}}",
            "1011 base 2",
            r"1011\text{ (base 2)}",
            "0b1011",
        ],
        &["1010_2", "1011_3"],
    );
    check(
        "2AF_{16}",
        &["687", r"\text{2AF}_{16}", r"2\text{AF}_{16}", "(2AF)_{16}", "0x2AF"],
        &["2AE_{16}", "2AF_{17}"],
    );
    check("1140", &["C_{20}^{3}"], &["C_{20}^{2}"]);
}

#[test]
fn choices_are_counted_in_every_notation() {
    check(
        r"\binom{10}{3}",
        &["{}_{10}C_3", "^{10}C_3", "{}^{10}C_3", "C(10,3)", "10C3", r"\mathrm{C}_{10}^{3}"],
        &["{}_{10}C_4", "C(10,4)", "10C2"],
    );
    check("720", &["P(10,3)", "{}_{10}P_3", "A_{10}^3", "P_{10}^{3}", "A_6^6"], &["P(10,4)"]);
    check("(3,-1)", &["P(3,-1)", r"\text{at }(3,-1)"], &["P(-1,3)"]);
}

#[test]
fn vectors_are_read_in_every_notation() {
    check(
        "(3,-1)",
        &[r"3\mathbf{i}-\mathbf{j}", r"3\hat{i}-\hat{j}", r"\langle 3,-1\rangle", "y=-1, x=3"],
        &[r"3\mathbf{i}+\mathbf{j}", r"-\mathbf{i}+3\mathbf{j}", "y=3, x=-1", "3-i"],
    );
    check(
        r"\begin{pmatrix}1\\2\\3\end{pmatrix}",
        &[
            r"\mathbf{i}+2\mathbf{j}+3\mathbf{k}",
            "[1,2,3]^T",
            r"\begin{bmatrix}1&2&3\end{bmatrix}^T",
            r"\begin{bmatrix}1\\[4pt]2\\[4pt]3\end{bmatrix}",
        ],
        &["[1,3,2]^T", r"\begin{bmatrix}1&2&3\end{bmatrix}"],
    );
    check(r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", &["[[1, 2], [3, 4]]"], &["[[1, 3], [2, 4]]"]);
}

#[test]
fn times_and_dates_are_told_apart() {
    check(
        r"3:45\text{ p.m.}",
        &["3:45 PM", r"3{:}45\text{ pm}", "15:45", "3:45", "They meet at 3:45 p.m."],
        &[r"3:45\text{ a.m.}", "3:54 PM", r"4:45\text{ p.m.}"],
    );
    check(r"3\text{ p.m.}", &["3 PM", "3"], &["3 AM"]);
    check(
        r"\text{June 20}",
        &[r"\text{June }20", "June 20th", "20 June", "It will be June 20."],
        &["June 21", "July 20", "20"],
    );
    check(
        r"2\text{ hours }30\text{ minutes}",
        &[r"2.5\text{ hours}", r"150\text{ minutes}", "2 hours and 30 minutes"],
        &[r"2\text{ hours }20\text{ minutes}", "32"],
    );
}

#[test]
fn digits_may_be_small_or_repeat() {
    check(r"3.2\times 10^5", &["3.2 × 10⁵", "3.2e5", "320 thousand", "32万"], &["3.2 × 10⁴"]);
    check(r"4.5\times10^{-3}", &["4.5 × 10⁻³", "0.0045"], &["4.5 × 10³"]);
    check(
        r"\frac{2}{3}",
        &["⅔", r"0.\bar 6", r"0.\dot{6}", r"0.666\ldots", "two-thirds", "三分之二"],
        &["⅓", r"0.66", r"0.\overline{67}"],
    );
    check("3/11", &[r"0.\dot2\dot7", "0.2727..."], &[r"0.\dot27"]);
    check("e", &[r"2.718281828\ldots"], &[r"2.72\ldots"]);
    check("7/2", &["3½", "three and a half", r"350\%", r"3\frac12"], &["3⅓"]);
    check(r"37\frac12\%", &["0.375", r"\frac38"], &["0.37"]);
}

#[test]
fn a_domain_or_a_name_changes_nothing() {
    check(
        "f(x)=x^2+1",
        &[
            r"f(x)=x^{2}+1,\ x\in\mathbb{R}",
            r"f(x) = x^2+1 \text{ for all } x\in\mathbb{R}",
            r"f: x\mapsto x^2+1",
            r"The only one is $f(x)=x^2+1$ for all $x \in \mathbb{R}$.",
        ],
        &[r"f(x)=x^2-1\text{ for all }x"],
    );
    check(
        r"k\pi, k\in\mathbb{Z}",
        &[r"n\pi,\ n\in\mathbb{Z}", r"k\pi\ (k\in\mathbb{Z})", r"\{k\pi\mid k\in\mathbb{Z}\}"],
        &[r"2k\pi, k\in\mathbb{Z}"],
    );
    check(
        r"\frac{8}{17}",
        &[r"\sin A=\frac{8}{17}", r"\text{Answer: }\frac{8}{17}"],
        &[r"\sin A=\frac{15}{17}"],
    );
    check("3x+2y=6", &[r"\ell: 3x+2y=6"], &[r"\ell: 3x-2y=6"]);
    check(r"y=\pm 2x", &[r"2x\pm y=0"], &[r"x\pm 2y=0"]);
    check(r"\frac{dy}{dx}=-\frac xy", &[r"y'=-\frac xy", r"-\frac xy"], &[r"y'=\frac xy"]);
    check(r"x \in \{1,2\}", &["x=1,2", r"x=1 \lor x=2", "x_{1,2}=1,2"], &["x=1,3"]);
}

#[test]
fn antiderivatives_may_differ_by_a_constant() {
    check(
        r"\frac{\sin^2 x}{2}+C",
        &[r"-\frac{\cos^2 x}{2}+C", r"-\frac14\cos 2x+K", r"\int\sin x\cos x\,dx=\frac12\sin^2x+C"],
        &[r"\frac{\cos^2x}{2}+C", r"\frac{\sin^2x}{2}+x+C", r"\frac{\sin^2 x}{2}"],
    );
}

#[test]
fn words_stand_for_mathematics() {
    check(
        r"\text{no solution}",
        &[
            r"\emptyset",
            r"\text{There are no real solutions}",
            "The equation has no solution.",
            "该方程无解。",
        ],
        &["0", r"\{0\}", r"\mathbb{R}", r"\infty"],
    );
    check(r"\infty", &["The limit is infinity.", r"\text{infinitely many}"], &[r"-\infty", "0"]);
    check(
        r"\text{DNE}",
        &["DNE", r"\text{undefined}", "As both sides differ, the limit does not exist."],
        &["0", r"\infty"],
    );
    check(
        r"\mathbb{R}",
        &[r"\text{all real numbers}"],
        &[r"\text{all positive real numbers}", r"\mathbb{Z}"],
    );
    check(r"\text{Yes}", &["Yes, because 3 is prime.", "是的"], &["No, it is not.", "否"]);
    check(
        "12",
        &["Therefore, there are twelve ways.", r"\text{approximately }12"],
        &[r"\text{negative }12"],
    );
    check("[2,5]", &["between 2 and 5, inclusive"], &["between 2 and 5, exclusive"]);
}

#[test]
fn letters_of_choices_decide_before_what_they_stand_for() {
    check(
        r"\text{(E)}\ 30",
        &["E", "30", r"\textbf{(E) } 30", "E. 30"],
        &["D", r"\text{(D)}\ 30", "31"],
    );
    check(
        "B",
        &[r"\text{Option B}", "The answer is **B. 12**.", "So B is the correct answer."],
        &["A、B"],
    );
}

#[test]
fn what_is_only_considered_is_no_answer() {
    check(
        "72",
        &[
            r"<think>So it is \boxed{50}? Wait.</think> <answer>\boxed{72}</answer>",
            "So maybe the answer is 105? No, as $n = 26$.\n\nThe total cost is $72.00.",
            "The answer is not 50. The answer is 72.",
            "72 minutes (or 1 hour and 12 minutes)",
            r"<think>\boxed{72}",
        ],
        &[r"<think>\boxed{72}</think>\boxed{50}", "Is the answer 72? No, the answer is 50."],
    );
}

#[test]
fn inequalities_that_nothing_satisfies_are_not_all_alike() {
    check(
        r"m<-2\text{ or }m>2",
        &["|m|>2", r"(-\infty,-2)\cup(2,\infty)", "m^2>4"],
        &[r"m\le -2\text{ or }m\ge2", r"m<-3\text{ or }m>3"],
    );
}
