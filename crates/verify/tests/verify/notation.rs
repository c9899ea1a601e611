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

#[test]
fn unit_vectors_are_resolved_whatever_their_dress() {
    check(
        "(3,-2,5)",
        &[
            r"3\mathbf{i}-2\mathbf{j}+5\mathbf{k}",
            r"3\hat{i}-2\hat{j}+5\hat{k}",
            r"\boxed{3\,\hat{\imath}-2\,\hat{\jmath}+5\,\hat{k}}",
            r"3\vec{i}-2\vec{j}+5\vec{k}",
            r"3\hat{\mathbf{i}}-2\hat{\mathbf{j}}+5\hat{\mathbf{k}}",
            r"-2\boldsymbol{j}+5\boldsymbol{k}+3\boldsymbol{i}",
            r"\mathbf{v}=-(2\mathbf{j}-3\mathbf{i})+5\mathbf{k}",
            "3i - 2j + 5k",
            "3î − 2ĵ + 5k\u{302}",
            "3**i** - 2**j** + 5**k**",
            "3𝐢 − 2𝐣 + 5𝐤",
            "The vector is 3i - 2j + 5k.",
        ],
        &[
            r"3\mathbf{i}+2\mathbf{j}+5\mathbf{k}",
            r"3\mathbf{j}-2\mathbf{i}+5\mathbf{k}",
            r"3\mathbf{i}-2\mathbf{j}",
            r"3\mathbf{i}-2\mathbf{j}-5\mathbf{k}",
            "3i + 5k",
        ],
    );
    check(
        r"\begin{pmatrix}\frac12\\0\\-4\end{pmatrix}",
        &[r"\frac12\mathbf{i}-4\mathbf{k}", r"\frac{\mathbf{i}-8\mathbf{k}}{2}"],
        &[r"\frac12\mathbf{i}-4\mathbf{j}", r"\frac12\mathbf{i}+4\mathbf{k}"],
    );
    check("[3,-2]", &["3i - 2j"], &["3i - 2k", "3i + 2j"]);
    check(
        r"\begin{bmatrix}1&2&3\end{bmatrix}",
        &[r"\mathbf{i}+2\mathbf{j}+3\mathbf{k}"],
        &[r"\mathbf{i}+2\mathbf{j}"],
    );
    // The imaginary unit is no vector.
    check("2+3i", &["3i+2"], &["(2,3)", "2i+3j", "3+2i"]);
}

#[test]
fn general_solutions_are_sets_of_values() {
    check(
        r"$x=\frac{\pi}{4}+n\pi$ where $n$ is an integer",
        &[
            r"$x=\frac{\pi}{4}+k\pi$, $k\in\mathbb{Z}$",
            r"\boxed{x=\frac{\pi}{4}+n\pi\text{, where }n\text{ is an integer}}",
            r"\boxed{\frac{\pi}{4}+m\pi\quad(m\in\mathbb{Z})}",
            r"\boxed{x=\frac{\pi}{4}+k\pi,\ k\text{ an integer}}",
            r"$\left\{\frac{\pi}{4}+k\pi\mid k\in\mathbb{Z}\right\}$",
            "The general solution is x = pi/4 + n*pi, where n is an integer.",
            r"The solutions are $x=\frac{\pi}{4}+n\pi$ for any integer $n$.",
            "x = π/4 + kπ (k为整数)",
            "x=π/4+kπ，其中k∈Z",
            r"$x=\frac{5\pi}{4}-k\pi,\ k\in\mathbb{Z}$",
            r"$x=\frac{\pi}{4}+2k\pi$ or $x=\frac{5\pi}{4}+2k\pi$, where $k$ is an integer",
            r"$x=45^\circ+180^\circ k,\ k\in\mathbb{Z}$",
            r"$x=\frac{\pi}{4}+k\pi$",
        ],
        &[
            r"$x=\frac{\pi}{4}+2k\pi$, $k\in\mathbb{Z}$",
            r"$x=\frac{3\pi}{4}+k\pi$, $k\in\mathbb{Z}$",
            r"$x=\frac{\pi}{4}+\frac{k\pi}{2}$, $k\in\mathbb{Z}$",
            r"$x=\frac{\pi}{4}+n\pi$ where $n$ is a positive integer",
            r"$x=\frac{\pi}{4}+k\pi,\ k\in\mathbb{N}$",
            r"$x=\frac{\pi}{4}+k\pi,\ k\in\mathbb{Z},\ k\neq 0$",
            r"$y=\frac{\pi}{4}+k\pi$, $k\in\mathbb{Z}$",
            r"$x=\frac{\pi}{4}$",
            r"$x=\frac{5\pi}{4}+k\pi$",
        ],
    );
    check(
        r"$2k+1$, $k\in\mathbb{Z}$",
        &[r"$2n-1$ for integers $n$", r"$1-2m,\ m\in\mathbb{Z}$"],
        &[r"$2n$ for integers $n$", r"$4n+1$ for integers $n$", r"$2n+1$, $n\in\mathbb{N}$"],
    );
    // Nothing says that this n is any whole number.
    check(r"(n-2)\pi", &[r"n\pi-2\pi"], &[r"(n-1)\pi", r"(k-1)\pi, k\in\mathbb{Z}"]);
    check("2n", &["2n where n is a positive integer"], &[r"2k+2, k\in\mathbb{Z}"]);
}

#[test]
fn a_wide_comma_stands_between_elements() {
    check(
        "3,4",
        &["3，4", "答案是3，4", "所以两个根为3，4。", "答案：4、3", r"\boxed{3，4}"],
        &["34", "3，5", "答案是3，5", "答案是4。", "3，4，5"],
    );
    check(
        "(1,2)",
        &["（1，2）", "点的坐标为（1，2）。", "答案：（1，2）", "答案是$（1，2）$"],
        &["（2，1）", "答案：（2，1）", "点的坐标为（1，3）。", "12"],
    );
    check(
        "(-1,2]",
        &["所以解集为（-1，2]。", "（-1，2］"],
        &["［-1，2］", "所以解集为（-1，2）。"],
    );
    check(
        "(1,2),(3,4)",
        &["（1，2）和（3，4）", "答案：（1，2），（3，4）"],
        &["（1，2）和（4，3）"],
    );
    // What stands between two groups of digits is no separator of thousands where it is wide.
    check("1234", &["1,234"], &["1，234"]);
    check("3", &["答案是3，其中2是素数", "因为x=2，所以答案是3，共4步"], &["答案是4，其中3是素数"]);
}

#[test]
fn either_of_two_roots_may_be_the_first() {
    check(
        "x_1=3, x_2=2",
        &[
            "x_1=2, x_2=3",
            "x₁=2，x₂=3",
            "$x_1=2$, $x_2=3$",
            "x=2 or x=3",
            r"\{2,3\}",
            "x_{1,2}=2,3",
        ],
        &["x_1=2, x_2=4", "x_1=2", "x_1=-2, x_2=-3", "(2,3)"],
    );
    check(
        r"\lambda_1=1,\lambda_2=-1",
        &[r"\lambda_1=-1,\lambda_2=1"],
        &[r"\lambda_1=1,\lambda_2=1"],
    );
    // Terms of a sequence and the unknowns of a system have their order.
    check("a_1=3, a_2=2", &["a_2=2, a_1=3"], &["a_1=2, a_2=3"]);
    check("x_1=1, x_2=2, x_3=3", &[], &["x_1=2, x_2=1, x_3=3"]);
    check("x=3, y=2", &["y=2, x=3"], &["x=2, y=3"]);
    check("x=2 or x=3", &["x_1=3, x_2=2"], &["x=2, y=3", "y=2, z=3"]);
}

#[test]
fn words_in_a_box_may_be_a_unit() {
    check(
        r"25\text{ m}^2",
        &[
            r"\boxed{25 square meters}",
            r"\boxed{25 Square Meters}",
            r"\boxed{25\text{ square meters}}",
            r"\boxed{250000 square centimeters}",
            r"\boxed{25 meters squared}",
            r"\boxed{25}",
        ],
        &[
            r"\boxed{25 square feet}",
            r"\boxed{25 cubic meters}",
            r"\boxed{26 square meters}",
            r"\boxed{25 square meters + 1}",
        ],
    );
    check(
        r"60\text{ miles per hour}",
        &[r"\boxed{60 miles per hour}", r"\boxed{60 mph}"],
        &[r"\boxed{60 kilometers per hour}", r"\boxed{60 miles per minute}"],
    );
    check("12", &[r"\boxed{12 apples}", r"\boxed{12 red apples}"], &[r"\boxed{13 apples}"]);
    // Letters that are no word in the plural are factors.
    check("$5abc$", &[r"\boxed{5 abc}", r"\boxed{5bca}"], &["5", r"\boxed{5 ab}"]);
}

#[test]
fn a_sum_in_a_sentence_goes_on_behind_its_last_number() {
    check(
        r"3x^2+\cos x",
        &["The derivative is 3x^2 + cos x.", "f'(x) = 3x^2 + cos(x)"],
        &["The derivative is 3x^2.", "The derivative is 3x^2 - cos x."],
    );
    check("3x^2", &[], &["The derivative is 3x^2 + cos x.", "The derivative is 3x^2 + x."]);
    check("2^n", &["The number of subsets is 2^n."], &["The number of subsets is 2."]);
}

#[test]
fn a_unit_behind_an_answer_belongs_to_it() {
    check(
        r"5\text{ m}",
        &[
            "The length is 5 m.",
            "The length is 500 cm.",
            "长为5米。",
            "长为$500$厘米。",
            r"The length is $5$ meters.",
            r"The length is $\boxed{500}$ cm.",
            r"$\boxed{0.005}\text{ km}$",
            "The length is 5.",
            "So she ran 5 in total.",
        ],
        &[
            "The length is 5 cm.",
            "长为5厘米。",
            "长为$5$厘米。",
            r"The length is $5$ feet.",
            r"The length is $\boxed{5}$ cm.",
            r"$\boxed{5}\text{ km}$",
            r"$x = 5$ cm",
            "So she ran 5 km in total.",
        ],
    );
    check(
        r"8\pi\text{ cm}^2",
        &["The area is 8π cm^2.", r"The area is $8\pi$ square centimeters.", r"$8\pi$ cm²"],
        &["The area is 8π m^2.", r"The area is $8\pi$ square meters.", r"$8\pi$ cm³"],
    );
    check(
        r"60\text{ km/h}",
        &["The speed is 60 km/h.", r"The speed is $60$ kilometers per hour."],
        &["The speed is 60 mph.", r"The speed is $60$ km/s."],
    );
    check(r"\$5", &["It costs $5.", "It costs 500 cents."], &["It costs 5 cents."]);
    // What only one side says has no bearing.
    check("12", &["She has $12$ days left.", "It takes 12 minutes."], &["It takes 13 minutes."]);
}

#[test]
fn congruences_are_compared_with_their_modulus() {
    check(
        r"x\equiv 3\pmod 7",
        &[
            r"x\equiv 10\pmod{7}",
            r"x\equiv -4\pmod 7",
            "x ≡ 3 (mod 7)",
            r"3\pmod 7",
            r"x=7k+3, k\in\mathbb{Z}",
            r"$x=7n-4$ for any integer $n$",
        ],
        &[
            r"x\equiv 3\pmod 8",
            r"x\equiv 4\pmod 7",
            r"y\equiv 3\pmod 7",
            r"x=8k+3, k\in\mathbb{Z}",
            r"x=7k+3, k\in\mathbb{N}",
        ],
    );
    check("9", &[r"7^{100}\bmod 13"], &[r"7^{101}\bmod 13"]);
}

#[test]
fn brackets_may_be_turned_round() {
    check("(1,2)", &["]1,2["], &["]1,2]", "[1,2["]);
    check("[1,2)", &["[1,2["], &["]1,2["]);
    check(
        r"(-\infty,-8)\cup(1,\infty)",
        &[r"]-\infty,-8[\,\cup\,]1,+\infty["],
        &[r"]-\infty,-8]\cup[1,+\infty["],
    );
}
