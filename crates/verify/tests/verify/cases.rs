//! Functions given by cases.

use super::forms::check;

#[test]
fn order_spelling_and_ends_of_cases_that_agree_do_not_matter() {
    check(
        r"f(x)=\begin{cases}x+1, & x < 1 \\ 2x, & x \ge 1\end{cases}",
        &[
            r"f(x)=\begin{cases}2x & \text{if } x \geq 1 \\ x+1 & \text{if } x<1\end{cases}",
            // At 1 both are 2.
            r"\begin{cases}2x & x > 1 \\ x+1 & x \le 1\end{cases}",
            r"$$f(x)=\begin{cases}1+x, & x<1,\\ 2x, & \text{otherwise}.\end{cases}$$",
            r"The function is \[ f(x) = \begin{cases} x + 1 & \text{for } x < 1 \\ 2x & \text{for } x \ge 1 \end{cases} \]",
            r"\boxed{\begin{dcases}x+1 & 1 > x \\ 2x & 1 \le x\end{dcases}}",
        ],
        &[
            r"f(x)=\begin{cases}x+1, & x < 1 \\ 3x, & x \ge 1\end{cases}",
            r"f(x)=\begin{cases}x-1, & x < 1 \\ 2x, & x \ge 1\end{cases}",
            r"f(x)=\begin{cases}x+1, & x < 2 \\ 2x, & x \ge 2\end{cases}",
            r"f(x)=\begin{cases}2x, & x < 1 \\ x+1, & x \ge 1\end{cases}",
            r"f(x)=\begin{cases}x+1, & 0 \le x < 1 \\ 2x, & x \ge 1\end{cases}",
            r"x+1",
            r"2x",
        ],
    );
    check(
        r"\begin{cases}x+2 & x \le 0 \\ 5 & x > 0\end{cases}",
        &[],
        &[r"\begin{cases}x+2 & x < 0 \\ 5 & x \ge 0\end{cases}"],
    );
}

#[test]
fn a_boundary_may_stand_in_one_condition_alone() {
    check(
        r"\begin{cases}1 & x<2 \\ 0 & \text{otherwise}\end{cases}",
        &[r"\begin{cases}0 & x \ge 2 \\ 1 & \text{otherwise}\end{cases}"],
        &[r"\begin{cases}1 & x \le 2 \\ 0 & \text{otherwise}\end{cases}"],
    );
}

#[test]
fn absolute_values_are_functions_by_cases() {
    let by_cases = r"\begin{cases}x & x \ge 0 \\ -x & x<0\end{cases}";
    check(by_cases, &["|x|", r"\sqrt{x^2}"], &["x", "-x", "|x|+1", "-|x|"]);
    check("x|x|", &[r"\begin{cases}x^2 & x \ge 0 \\ -x^2 & x<0\end{cases}"], &[by_cases]);
}

#[test]
fn parameters_may_stand_in_the_values() {
    check(
        r"\begin{cases} ax+1 & x>0 \\ 0 & x \leq 0 \end{cases}",
        &[r"\begin{cases} 1+ax & x>0 \\ 0 & \text{else} \end{cases}"],
        &[r"\begin{cases} bx+1 & x>0 \\ 0 & x \leq 0 \end{cases}"],
    );
}

#[test]
fn systems_of_equations_are_no_cases() {
    check(
        r"\begin{cases} x+y=3 \\ x-y=1\end{cases}",
        &[r"\begin{cases} x-y=1 \\ x+y=3\end{cases}"],
        &[r"\begin{cases} x-y=1 \\ x+y=4\end{cases}"],
    );
    check(r"\begin{cases} x=3 \\ y=1\end{cases}", &["(3,1)", "x=3, y=1"], &["(1,3)"]);
}
