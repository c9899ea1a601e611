//! Quantities: units of one kind in all their spellings, and units of another kind.

use super::forms::check;

#[test]
fn derived_units_are_what_they_are_made_of() {
    check(
        "5 N",
        &["5 kg m/s^2", r"5\text{ kg}\cdot\text{m/s}^2", "0.005 kN"],
        &["5 J", "5 kg m/s"],
    );
    check(
        r"5\text{ J}",
        &[r"5\text{ N}\cdot\text{m}", "5 W s"],
        &[r"5\text{ N/m}", "5 W", "5 cal"],
    );
    check("100 W", &["100 J/s", "0.1 kW"], &["100 J", "100 V"]);
    check("5 Pa", &["5 N/m^2", "0.005 kPa"], &["5 N", "5 N/m", "5 bar"]);
    check("12 V", &["12 J/C"], &["12 J", "12 C/J", "12 A"]);
    check("1 kWh", &["3.6 MJ", "3600000 J"], &["3600 J", "1 kW"]);
    check("1 atm", &["101325 Pa", "760 mmHg"], &["100000 Pa", "1 bar"]);
    check(
        "60 mph",
        &["60 miles per hour", "60 miles an hour", "88 feet per second"],
        &["60 km/h", "60 miles"],
    );
    check("100 km/h", &["27.777778 m/s"], &["27.78 m/s"]);
    check(r"8.0\times 10^{-3}\ \mathrm{T}", &["8.0 mT"], &["8.0 T", "8.0 t"]);
    check("36 km/h", &["10 m/s"], &["36 m/s", "36 km"]);
    check("1 gallon", &["3.785411784 L", "4 quarts", "8 pints", "16 cups"], &["1 L", "4 cups"]);
}

#[test]
fn greek_letters_belong_to_units() {
    for gold in ["5 μm", r"$5\,\mu\text{m}$", r"5\,\mathrm{\mu m}", r"5\text{ μm}", "5 micrometers"]
    {
        let equal = ["5 µm", r"5 \times 10^{-6} m", r"$0.005$ mm"];
        check(gold, &equal, &["5 mm", "5 nm", "5 μs", r"$5\times 10^{-3}$ m"]);
    }
    for gold in [r"3\,k\Omega", r"3\text{ k}\Omega", r"3\ \mathrm{k\Omega}", "3 kΩ", "3 kilohms"] {
        check(
            gold,
            &["3000 ohms", r"3000\ \Omega", "3000 Ω"],
            &[r"3\ \Omega", r"3\text{ M}\Omega", "3 kV"],
        );
    }
    check("4.7 μF", &["4.7e-6 F", "4700 nF"], &["4.7 pF", "4.7 μC"]);
    // Without a number before them they are names.
    check(r"\mu m g", &[r"m g \mu"], &[r"\mu g"]);
}

#[test]
fn an_exponent_behind_a_quotient_belongs_to_its_second_unit() {
    for gold in
        [r"2.7\text{ g/cm}^3", r"2.7\ \mathrm{g/cm^3}", "2.7 g/cm³", "2.7 g/cm^3", "$2.7$ g/cm^3"]
    {
        check(
            gold,
            &["2700 kg/m^3", "2.7 grams per cubic centimeter"],
            &["2.7 kg/m^3", "2.7 g/cm^2"],
        );
    }
    check(r"$\boxed{9.8}\text{ m/s}^2$", &["9.8 m/s^2"], &["9.8 m/s"]);
}

#[test]
fn temperatures_are_converted_and_pounds_may_be_money() {
    check("25°C", &["77°F", "298.15 K", r"25^\circ\text{C}"], &["25°F", "25 K", "77°C"]);
    check("-40°F", &["-40°C"], &["40°C"]);
    check("£16", &["16 pounds", "16.00 pounds", "1600 pence"], &["$16", "16 kg", "61 pounds"]);
    check("16 pounds", &["256 ounces", "£16"], &["16 ounces", "16 dollars"]);
}

#[test]
fn a_letter_that_stands_elsewhere_is_no_unit() {
    check("h(t) = 2 t", &["h(t)=2t"], &["h(t)=2"]);
    check("4t^{2} - 2t - 5", &["$-5-2t+4t^{2}$"], &["4t^2 - 2t + 5", "4t^2 - 2 - 5"]);
    check("-16t^2 + 2 t", &["-16t^2+2t"], &["-16t^2+2"]);
    check("3m - 2g", &["-2g + 3m"], &["3m + 2g"]);
    check("2 t", &["2000 kg"], &["2 kg"]);
}

#[test]
fn units_in_upright_type_are_read_as_a_whole() {
    for gold in [
        r"584 \mathrm{~kg\cdot m/s^{2}}",
        r"584\,\mathrm{kg\cdot m/s^{2}}",
        r"584\text{ kg}\cdot\text{m/s}^2",
        "584 kg·m/s^2",
        "584 N",
    ] {
        check(
            gold,
            &["0.584 kN", r"\boxed{584\ \text{N}}"],
            &[r"584 \mathrm{~J}", "584 m", r"584\,\mathrm{kg\cdot m/s}"],
        );
    }
    check(
        r"245 \mathrm{~m^{2}}",
        &["2450000 cm^2", "245 m²"],
        &["245 cm^2", r"245\,\mathrm{m^{3}}", "245 Pa"],
    );
    check(
        r"348\,\mathrm{J/(kg\cdot K)}",
        &[
            r"0.348 \mathrm{~kJ/(kg\cdot K)}",
            "348 J/kg·K",
            r"348\text{ J}/(\text{kg}\cdot\text{K})",
        ],
        &["348 J/kg", r"348\,\mathrm{J\cdot K/kg}"],
    );
    check("215 N·m", &[r"215 \mathrm{~N\cdot m}", "215 J"], &["215 N/m", r"\text{215 kg/s}"]);
    check("48.1 m/s^2", &["Therefore, **0.0481 km/s^2**."], &["Therefore, **0.0481 m/s^2**."]);
    check(r"\frac{v^2}{2n g}", &["v^2/(2ng)"], &["v^2/(ng)"]);
}

#[test]
fn several_units_are_one_quantity_in_a_sentence() {
    check(
        "150 minutes",
        &[
            "The trip takes 2 hours 30 minutes.",
            "The trip takes 2 hours and 30 minutes in all.",
            "The answer is 2 hours 30 minutes.",
            "一共用了2小时30分钟。",
            "2 h 30 min",
            "2h 30min",
            r"\boxed{2 \text{ h } 30 \text{ min}}",
        ],
        &["It takes 3 hours 30 minutes.", "It takes 30 minutes.", "It takes 2 hours."],
    );
    check("30 minutes", &[], &["It takes 1 hour 30 minutes."]);
    check(
        "5.3 kg",
        &["It weighs 5 kg and 300 g in total."],
        &["It weighs 5 kg and 30 g in total."],
    );
    check("$3.25", &["It costs 3 dollars and 25 cents."], &["It costs 3 dollars and 52 cents."]);
}
