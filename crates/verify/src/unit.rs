//! Units of measurement: a scale and powers of base units, and a table of their names.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow};

/// A product of powers of base units, with a scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    /// How many of the base units one of it is.
    pub(crate) scale: BigRational,
    /// Base units with their exponents, sorted by name; degrees of angle are `deg`.
    pub(crate) dimensions: Vec<(&'static str, i32)>,
}

/// One entry: names, base unit (empty for a counted thing), exponent, and the scale as numerator and denominator.
type Entry = (&'static [&'static str], &'static str, i32, (i64, i64));

/// The units that are known by name. A scale refers to the base unit: metre, kilogram, second, dollar, …
const TABLE: &[Entry] = &[
    (&["m", "meter", "meters", "metre", "metres", "米"], "m", 1, (1, 1)),
    (&["cm", "centimeter", "centimeters", "centimetre", "centimetres", "厘米"], "m", 1, (1, 100)),
    (&["mm", "millimeter", "millimeters", "millimetre", "millimetres", "毫米"], "m", 1, (1, 1000)),
    (
        &["km", "kilometer", "kilometers", "kilometre", "kilometres", "千米", "公里"],
        "m",
        1,
        (1000, 1),
    ),
    (&["dm", "decimeter", "decimeters", "分米"], "m", 1, (1, 10)),
    (&["in", "inch", "inches", "英寸"], "m", 1, (254, 10_000)),
    (&["ft", "foot", "feet", "英尺"], "m", 1, (3048, 10_000)),
    (&["yd", "yard", "yards"], "m", 1, (9144, 10_000)),
    (&["mi", "mile", "miles", "英里"], "m", 1, (1_609_344, 1000)),
    (&["acre", "acres"], "m", 2, (40_468_564_224, 10_000_000)),
    (&["ha", "hectare", "hectares", "公顷"], "m", 2, (10_000, 1)),
    (&["l", "L", "liter", "liters", "litre", "litres", "升"], "m", 3, (1, 1000)),
    (
        &["ml", "mL", "milliliter", "milliliters", "millilitre", "millilitres", "毫升"],
        "m",
        3,
        (1, 1_000_000),
    ),
    (&["cc"], "m", 3, (1, 1_000_000)),
    (&["gallon", "gallons", "gal"], "gallon", 1, (1, 1)),
    (&["quart", "quarts"], "gallon", 1, (1, 4)),
    (&["pint", "pints"], "gallon", 1, (1, 8)),
    (&["kg", "kilogram", "kilograms", "千克", "公斤"], "kg", 1, (1, 1)),
    (&["g", "gram", "grams", "克"], "kg", 1, (1, 1000)),
    (&["mg", "milligram", "milligrams", "毫克"], "kg", 1, (1, 1_000_000)),
    (&["t", "ton", "tons", "tonne", "tonnes", "吨"], "kg", 1, (1000, 1)),
    (&["lb", "lbs", "pound", "pounds"], "kg", 1, (45_359_237, 100_000_000)),
    (&["oz", "ounce", "ounces"], "kg", 1, (45_359_237, 1_600_000_000)),
    (&["s", "sec", "secs", "second", "seconds", "秒"], "s", 1, (1, 1)),
    (&["ms", "millisecond", "milliseconds", "毫秒"], "s", 1, (1, 1000)),
    (&["min", "mins", "minute", "minutes", "分钟"], "s", 1, (60, 1)),
    (&["h", "hr", "hrs", "hour", "hours", "小时"], "s", 1, (3600, 1)),
    (&["day", "days", "天", "日"], "s", 1, (86_400, 1)),
    (&["week", "weeks", "周", "星期"], "s", 1, (604_800, 1)),
    (&["month", "months", "个月", "月"], "month", 1, (1, 1)),
    (&["year", "years", "yr", "yrs", "年", "岁"], "month", 1, (12, 1)),
    (&["dollar", "dollars", "usd", "USD", "美元"], "dollar", 1, (1, 1)),
    (&["cent", "cents", "¢", "美分"], "dollar", 1, (1, 100)),
    (&["euro", "euros", "EUR", "€", "欧元"], "euro", 1, (1, 1)),
    (&["元", "块", "块钱", "yuan", "¥", "￥", "人民币"], "yuan", 1, (1, 1)),
    (&["角"], "yuan", 1, (1, 10)),
    (&["£", "GBP", "英镑"], "sterling", 1, (1, 1)),
    (&["₹", "rupee", "rupees"], "rupee", 1, (1, 1)),
    (&["deg", "degree", "degrees", "°", "度"], "deg", 1, (1, 1)),
    (&["rad", "radian", "radians", "弧度"], "", 0, (1, 1)),
    (&["N", "newton", "newtons", "牛"], "N", 1, (1, 1)),
    (&["J", "joule", "joules", "焦耳"], "J", 1, (1, 1)),
    (&["kJ", "kilojoule", "kilojoules"], "J", 1, (1000, 1)),
    (&["W", "watt", "watts", "瓦"], "W", 1, (1, 1)),
    (&["kW", "kilowatt", "kilowatts", "千瓦"], "W", 1, (1000, 1)),
    (&["V", "volt", "volts", "伏"], "V", 1, (1, 1)),
    (&["A", "ampere", "amperes", "amp", "amps", "安"], "A", 1, (1, 1)),
    (&["Hz", "hertz"], "s", -1, (1, 1)),
    (&["Pa", "pascal", "pascals"], "Pa", 1, (1, 1)),
    (&["K", "kelvin"], "K", 1, (1, 1)),
    (&["mol", "mole", "moles"], "mol", 1, (1, 1)),
    (&["°C", "celsius", "摄氏度"], "°C", 1, (1, 1)),
    (&["°F", "fahrenheit"], "°F", 1, (1, 1)),
    (&["square unit", "square units", "sq units", "sq. units", "平方单位"], "", 0, (1, 1)),
    (&["cubic unit", "cubic units", "unit", "units", "单位"], "", 0, (1, 1)),
    (&["sqm", "sq m", "平方米"], "m", 2, (1, 1)),
    (&["平方厘米"], "m", 2, (1, 10_000)),
    (&["平方千米", "平方公里"], "m", 2, (1_000_000, 1)),
    (&["立方米"], "m", 3, (1, 1)),
    (&["立方厘米"], "m", 3, (1, 1_000_000)),
];

/// Prefixes of the SI, with what they multiply by.
const PREFIXES: &[(&[&str], (i64, i64))] = &[
    (&["n"], (1, 1_000_000_000)),
    (&["μ", "µ"], (1, 1_000_000)),
    (&["m"], (1, 1000)),
    (&["k"], (1000, 1)),
    (&["M"], (1_000_000, 1)),
    (&["G"], (1_000_000_000, 1)),
];

/// Symbols that stand behind them. Those of the table with a prefix of their own, such as `cm`, are not repeated.
const PREFIXABLE: &[&str] = &["m", "g", "s", "N", "J", "W", "V", "A", "Hz", "Pa", "mol"];

/// Measure words of Chinese, which count things and scale nothing.
const COUNTERS: &[&str] = &[
    "个",
    "只",
    "条",
    "本",
    "张",
    "人",
    "名",
    "位",
    "辆",
    "棵",
    "朵",
    "件",
    "次",
    "种",
    "支",
    "枝",
    "头",
    "台",
    "道",
    "页",
    "盒",
    "箱",
    "袋",
    "瓶",
    "杯",
    "颗",
    "把",
    "双",
    "套",
    "组",
    "队",
    "班",
    "根",
    "粒",
    "块蛋糕",
    "票",
    "分",
    "倍",
    "步",
    "名学生",
    "个人",
    "个苹果",
    "句",
    "间",
    "层",
    "座",
    "艘",
    "架",
    "面",
    "片",
    "场",
    "站",
    "排",
    "行",
    "列",
    "遍",
];

impl Unit {
    /// A unit that counts and scales nothing.
    pub(crate) fn count() -> Self {
        Self { scale: BigRational::one(), dimensions: Vec::new() }
    }

    /// The unit of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        if COUNTERS.contains(&name) {
            return Some(Self::count());
        }
        let lower = name.to_lowercase();
        let compound = compound_name(name)
            .or_else(|| if lower == name { None } else { compound_name(&lower) });
        if compound.is_some() {
            return compound;
        }
        entry(name).or_else(|| prefixed(name)).or_else(|| entry(&lower))
    }

    /// The unit that most of the first words of a phrase name, at least so many of them, and the length of its name. `in`
    /// before a word is no inch: `80 dollars in total`.
    pub(crate) fn leading(phrase: &str, at_least: usize) -> Option<(Self, usize)> {
        let mut ends: Vec<usize> = phrase.match_indices([' ', '-']).map(|(at, _)| at).collect();
        ends.push(phrase.len());
        let named = |(place, end): (usize, usize)| {
            let name = &phrase[..end];
            let is_inch = name != "in" || end == phrase.len();
            let unit = Self::named(name).filter(|_| is_inch && place + 1 >= at_least)?;
            Some((unit, end))
        };
        ends.into_iter().enumerate().rev().find_map(named)
    }

    /// The product of several units, as in `m s`.
    pub(crate) fn product_named(names: &str) -> Option<Self> {
        let (first, rest) = names.split_once(' ')?;
        let first = Self::named(first).filter(|unit| !unit.dimensions.is_empty())?;
        Some(first.times(&Self::named(rest)?))
    }

    /// The unit raised to a power.
    pub(crate) fn power(&self, exponent: i32) -> Self {
        let dimensions = self
            .dimensions
            .iter()
            .map(|&(base, power)| (base, power.saturating_mul(exponent)))
            .collect();
        Self { scale: Pow::pow(&self.scale, exponent.clamp(-9, 9)), dimensions }
    }

    /// The product of two units.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut powers = std::collections::BTreeMap::new();
        for &(base, power) in self.dimensions.iter().chain(&other.dimensions) {
            *powers.entry(base).or_insert(0_i32) += power;
        }
        let dimensions = powers.into_iter().filter(|&(_, power)| power != 0).collect();
        Self { scale: &self.scale * &other.scale, dimensions }
    }

    /// Whether it is an angle in degrees.
    pub(crate) fn is_degrees(&self) -> bool {
        self.dimensions == [("deg", 1)]
    }
}

/// The unit of a name in the table.
fn entry(name: &str) -> Option<Unit> {
    let &(_, base, exponent, (numerator, denominator)) =
        TABLE.iter().find(|(names, ..)| names.contains(&name))?;
    let scale = BigRational::new(BigInt::from(numerator), BigInt::from(denominator));
    let dimensions = if base.is_empty() { Vec::new() } else { vec![(base, exponent)] };
    Some(Unit { scale, dimensions })
}

/// `kN`, `mA`, `MPa`, `μm`: a symbol of the SI behind one of its prefixes.
fn prefixed(name: &str) -> Option<Unit> {
    let (prefix, symbol) = name.split_at(name.chars().next()?.len_utf8());
    let is_symbol = PREFIXABLE.contains(&symbol);
    let (_, (numerator, denominator)) =
        PREFIXES.iter().find(|(names, _)| is_symbol && names.contains(&prefix))?;
    let mut unit = entry(symbol)?;
    unit.scale *= BigRational::new(BigInt::from(*numerator), BigInt::from(*denominator));
    Some(unit)
}

/// The name of the currency whose sign stands before its amounts.
pub(crate) fn currency(sign: char) -> Option<&'static str> {
    Some(match sign {
        '$' => "dollar",
        '€' => "euro",
        '£' => "£",
        '¥' | '￥' => "yuan",
        '₹' => "rupee",
        _ => return None,
    })
}

/// `square feet`, `miles per hour`, `km/h`, `mph`, `seconds squared`.
fn compound_name(name: &str) -> Option<Unit> {
    if name == "mph" {
        return Some(Unit::named("mile")?.times(&Unit::named("hour")?.power(-1)));
    }
    for (word, exponent) in [
        ("square ", 2),
        ("sq ", 2),
        ("sq. ", 2),
        ("cubic ", 3),
        ("cu ", 3),
        ("平方", 2),
        ("立方", 3),
    ] {
        if let Some(rest) = name.strip_prefix(word)
            && !rest.trim_start().starts_with("unit")
        {
            return Some(Unit::named(rest)?.power(exponent));
        }
    }
    for separator in [" per ", "/", "每"] {
        if let Some((above, below)) = name.split_once(separator) {
            return Some(Unit::named(above)?.times(&Unit::named(below)?.power(-1)));
        }
    }
    let powers = [("²", 2), ("³", 3), ("^2", 2), ("^3", 3), (" squared", 2), (" cubed", 3)];
    let (base, exponent) =
        powers.iter().find_map(|(end, exponent)| Some((name.strip_suffix(end)?, *exponent)))?;
    Some(Unit::named(base)?.power(exponent))
}
