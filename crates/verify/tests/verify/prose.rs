//! Answers in running text, in the words and notation of people and models.

use forethought_verify::{Verdict, verify};

use super::forms::check;

fn decide(gold: &str, answer: &str) -> Verdict {
    verify(gold, answer).verdict
}

#[test]
fn a_number_in_a_sentence_brings_its_notation() {
    for (gold, answer) in [
        (r"4\sqrt{11}", "Thus the length is 4√11."),
        (r"4\sqrt{11}", "length = 4*sqrt(11)"),
        (r"8\pi", "The area is 8π square meters."),
        ("(1,4)", "The vertex is at (1, 4)."),
        ("0,7,6", "The solutions are 6, 7, and 0."),
        (r"\{2,-3\}", "so x = 2 or x = -3"),
        ("5", "The answer is five."),
        ("3:4", r"\boxed{3\text{ to }4}"),
        ("9.49", r"\boxed{\approx 9.49}"),
        (r"\binom{8}{3}", r"\boxed{C_{8}^{3}}"),
        ("56", r"$P(8,2)=8\cdot 7=56$"),
        (r"\frac{2}{13}", r"$P=\frac{6}{39}=0.153846$"),
        ("17", "$$\\begin{aligned} x &= 8+9 \\\\ &= 17 \\end{aligned}$$"),
        (r"x^2+5x+6", "**Final Answer**\n\n\\[ (x+2)(x+3) \\]"),
        ("y=2x+1", r"\boxed{f(x)=2x+1}"),
        ("B", "Hence option (B) is correct."),
        ("ABD", "答案:A、B、D"),
        ("B", "因此选B。"),
        ("6", "解得 x=6,所以原方程的解为 x=6。"),
        ("True", "The statement is true."),
        (r"\frac{2}{3}", "The answer is two thirds."),
        ("C", "【答案】C"),
        ("61", r"\(\boxed{61}\) and so, once more, \(\boxed{61}\)"),
        (r"\frac{1}{7}", r"a probability of $\frac{1}{7}$, or about $14.3\%$."),
        ("61", "Q: How many?\nA: 61"),
        ("even", "The function is even."),
        ("Monday", "It was a Monday."),
        ("①③", "正确的是①③."),
        ("①③", r"\boxed{③①}"),
        ("①③", r"\boxed{①、③}"),
        (r"19\text{ cents}", r"\boxed{19¢}"),
        (r"\text{76 cm}", r"\boxed{76}"),
        ("9.76", r"\boxed{9.76\ldots}"),
        (r"3\log_10 a", r"\boxed{\log_{10} a^3}"),
        (r"198\%", r"\boxed{198}"),
        ("48", r"\boxed{48\%}"),
        (r"\$482.79", "<answer>$482.79 in total</answer>"),
    ] {
        assert_eq!(decide(gold, answer), Verdict::Equal, "{gold} and {answer}");
    }
}

#[test]
fn what_only_looks_alike_stays_different() {
    for (gold, answer) in [
        (r"4\sqrt{11}", "Thus the length is 11√4."),
        ("(1,4)", "The vertex is at (4, 1)."),
        ("0,7,6", "The solutions are 6, 7, and 1."),
        ("3:4", r"\boxed{4\text{ to }3}"),
        (r"\binom{8}{3}", r"\boxed{C_{8}^{2}}"),
        ("57", r"$P(8,2)=8\cdot 7=56$"),
        ("18", "$$\\begin{aligned} x &= 8+9 \\\\ &= 17 \\end{aligned}$$"),
        ("y=2x+1", r"\boxed{f(x)=2x-1}"),
        ("z=2x+1", r"\boxed{f(x)=2x+1}"),
        ("ABD", "答案:A、B、C"),
        ("B", "Hence option (C) is correct."),
        ("4", r"so $x=4$ is wrong and the answer is $5$ (option 4)"),
        ("True", "The statement is false."),
        ("①③", "正确的是①②."),
        ("even", "The function is not even."),
        (r"0.5\%", "0.5"),
        ("0.5", r"\boxed{0.5\%}"),
        ("50", r"\boxed{0.5}"),
    ] {
        assert_eq!(decide(gold, answer), Verdict::Different, "{gold} and {answer}");
    }
}

#[test]
fn an_equation_is_taken_whole() {
    check(
        "6x + 7y + 6z = 12",
        &[
            "Since 23 is not allowed, one possibility remains. Hence we get **-6x - 7y - 6z = -12**.",
            "Hence we get 6x + 7y + 6z = 12.",
            "So it is 12x + 14y + 12z - 24 = 0.",
        ],
        &["Hence we get 6x + 7y - 6z = 12.", "Hence we get **6x + 7y + 6z = 13**."],
    );
    check("7", &["We compute 3 + 4 = 7.", "so x = 7"], &[]);
}

#[test]
fn the_last_sentence_says_it_in_a_word() {
    let before = "For n = 73 the claim can be tested directly, and then again for 41.";
    check(
        "true",
        &[&format!("{before} The statement is True.")],
        &[&format!("{before} The statement is false.")],
    );
    check(r"\infty", &[&format!("{before} Hence we get infinity.")], &[]);
    check(
        "(E)",
        &[&format!("{before} Thus, the result is E.")],
        &[&format!("{before} Thus, the result is D.")],
    );
    check("41", &[before], &[&format!("{before} The statement is true.")]);
    check("C", &["因此选择C项。"], &["因此选择D项。"]);
}

#[test]
fn what_is_said_once_more_or_rejected_is_an_aside() {
    check(
        r"2\sqrt5",
        &["Exactly 2√5, which is approximately 4.472.", r"$2\sqrt{5}$ or approximately 4.472"],
        &["Exactly 2√3, which is approximately 4.472."],
    );
    check("4.472136", &["Exactly 2√5, which is approximately 4.472136."], &[]);
    check("4", &["x = 4 (x = -2 is rejected)", "x=4（x=-2舍去）"], &["x = -2 (x = 4 is rejected)"]);
    check("5", &["Since $n^2 = 25$, we get $n = 5$ (as $n > 0$)."], &["so $n = -5$ (as $n < 0$)."]);
}

#[test]
fn a_sentence_says_a_formula_or_a_name() {
    check(
        r"\frac{1}{2}kx^2",
        &[
            "Checking, this works. Therefore, the expression is kx²/2. Hope this helps!",
            "so it is **kx²/2**.",
        ],
        &[
            "Therefore, the expression is kx²/3. Hope this helps!",
            "Therefore, the expression is kx/2.",
        ],
    );
    check("5", &["The expression is kx/2. So there are 5 of them."], &[]);
    check(
        "(x-1)e^x+6x+C",
        &[
            "Differentiating gives $xe^x+6$. Hence, the antiderivative is xe^x-e^x+6x+C. Hope this helps!",
        ],
        &[
            "Differentiating gives $xe^x+6$. Hence, the antiderivative is xe^x+e^x+6x+C. Hope this helps!",
        ],
    );
    check(
        "Wednesday",
        &["247 mod 7 = 2; we count from Monday. So the day of the week is **Wednesday**."],
        &["247 mod 7 = 2; we count from Monday. So the day of the week is **Thursday**."],
    );
}
