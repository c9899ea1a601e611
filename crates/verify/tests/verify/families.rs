//! Families of answers that sets of pairs showed missing: each with the members that are equal and those that must never be.

use super::forms::check;

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

#[test]
fn prefixes_of_the_si_scale_their_unit() {
    check(
        r"42.1\ \text{kN}",
        &[r"42100\,\mathrm{N}", "42.1 kN", "42.1"],
        &[r"42.1\,\mathrm{N}", "42.1 kPa", "42.1 mN", r"42.1\,\mathrm{g/cm^3}"],
    );
    check("0.25 MPa", &["250 kPa", r"250000\,\mathrm{Pa}"], &["0.25 kPa", "0.25 m"]);
    check(r"27\text{ m}^3", &["27 m³"], &[r"27\,\mathrm{mA}", r"27\text{ m}^2"]);
    check(
        r"7.8\,\mathrm{g/cm^3}",
        &[r"7800\,\mathrm{kg/m^3}"],
        &[r"7.8\,\mathrm{kg/m^3}", r"7.8\,\mathrm{mol/L}", "7.8 W"],
    );
    check("500 nm", &["0.0005 mm"], &["500 mm", "500 μm"]);
}

#[test]
fn signs_of_currencies_stand_before_amounts_too() {
    check(r"\$15.95", &["$15.95", "15.95 dollars", "15.95"], &["£15.95", "€15.95", "15.95 euros"]);
    check("£20", &["20 GBP", "It costs £20."], &["¥20", "$20", "20 euros"]);
    check("€69.75", &["69.75 euros", "The price is €69.75"], &["69.75 dollars", "£69.75"]);
}

#[test]
fn trigonometric_functions_vanish_exactly() {
    for zero in
        [r"\tan\pi", r"\sin(2\pi)", r"\cos\frac{3\pi}{2}", r"\tan 180^\circ", r"\cot 90^\circ"]
    {
        check("0", &[zero], &[]);
    }
    check(
        r"-\frac12",
        &[r"\cos\frac{2\pi}{3}", r"\sin 210^\circ", r"\cos(-240^\circ)"],
        &[r"\sin\frac{2\pi}{3}"],
    );
    check("-1", &[r"\tan\frac{3\pi}{4}", r"\sec\pi", r"\csc 270^\circ"], &[r"\tan\frac{5\pi}{4}"]);
    check("0", &[], &["10^{-17}", "1e-17", r"\sin 1", "0.0000001"]);
}

#[test]
fn lines_in_symmetric_form_may_turn_all_signs() {
    check(
        r"\frac{x-4}{-1}=\frac{y+3}{6}=\frac{z-5}{2}",
        &[
            r"\frac{x-4}{1}=\frac{y+3}{-6}=\frac{z-5}{-2}",
            r"\frac{4-x}{1}=\frac{y+3}{6}=\frac{z-5}{2}",
        ],
        &[
            r"\frac{x-4}{1}=\frac{y+3}{6}=\frac{z-5}{2}",
            r"\frac{x+4}{-1}=\frac{y+3}{6}=\frac{z-5}{2}",
            r"\frac{x-4}{-1}=\frac{y+3}{6}",
        ],
    );
}

#[test]
fn probabilities_of_events_are_names_of_values() {
    check(
        "5/16",
        &[r"P(X=3) = \frac{5}{16}", r"$P(X \ge 2)=\frac{10}{32}$"],
        &[r"P(X=3) = \frac{11}{16}", "P(X=5) = 16"],
    );
}

#[test]
fn congruences_and_letters_of_general_solutions_need_not_be_explained() {
    check(r"x\equiv 3\pmod 7", &["x = 7k+3", "x = 7n - 4"], &["x = 7k+4", "x = 14k+3", "x = 3"]);
    check(
        r"2n\pi \pm \frac{\pi}{3}",
        &[r"x = \pm\frac{\pi}{3} + 2k\pi"],
        &[r"x = \pm\frac{\pi}{3} + k\pi", r"x = \frac{\pi}{3} + 2k\pi"],
    );
    check(r"(n-2)\pi", &[], &[r"n\pi"]);
}

#[test]
fn notation_of_plain_text() {
    check("{x | -1 < x < 2}", &["(-1,2)", "x>-1且x<2"], &["[-1,2)", "(-2,1)"]);
    check("{x|x<-1或x>2}", &["(-∞,-1)∪(2,+∞)"], &["(-1,2)"]);
    check("5∛2", &[r"5\sqrt[3]{2}"], &[r"5\sqrt{2}"]);
    check("120", &["10 choose 3"], &["10 choose 4"]);
    check(r"a_n=3\cdot2^{n-1}", &[r"a_n = \frac32 2^n"], &[r"a_n = \frac32 2^{n-1}"]);
}

#[test]
fn choices_in_quotients_systems_in_braces_and_raised_letters() {
    check(r"\frac{3}{11}", &["C(6,2)/C(11,2)"], &["C(6,2)/C(11,3)"]);
    check("C(3,-1)", &["(3,-1)"], &["(3,1)"]);
    check(
        r"\begin{cases} x=9 \\ y=10 \end{cases}",
        &[r"$\left\{\begin{array}{l}x=9\\y=10\end{array}\right.$", "(9,10)"],
        &[r"$\left\{\begin{array}{l}x=10\\y=9\end{array}\right.$"],
    );
    check(r"a_n=6\cdot 2^{n-1}", &["aₙ = 6·2ⁿ⁻¹", "a_n = 3·2ⁿ"], &["aₙ = 6·2ⁿ", "aₙ = 6·2ⁿ⁺¹"]);
    check(r"\begin{pmatrix} 3 \\ 5 \\ 4 \end{pmatrix}", &["<3, 5, 4>"], &["<3, 4, 5>"]);
    check(
        r"\frac{(m_1-m_2)g}{m_1+m_2}",
        &[r"\(\dfrac{g(m_1-m_2)}{m_2+m_1}\)"],
        &[r"\frac{g(m_1+m_2)}{m_1-m_2}"],
    );
    check("g(x)=x^2", &["x^2"], &["x^3"]);
    check(r"\frac{GMm}{r^2}", &["GMm/r²"], &["GMm/r"]);
    check(
        r"1.41 \times 10^{4}",
        &["It is **1.41 × 10⁴**.", "It is 1.41 x 10^4."],
        &["It is **1.41 × 10³**."],
    );
}
