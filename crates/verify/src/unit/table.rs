//! The units that are known by name, what they are in base units, and the prefixes of the SI.

/// Base units with their exponents, sorted by name.
pub(super) type Dimensions = &'static [(&'static str, i32)];

/// Units that are written in the same way or mean the same.
pub(super) struct Entry {
    pub(super) names: &'static [&'static str],
    pub(super) dimensions: Dimensions,
    /// How many of the base units it is, as numerator and denominator.
    pub(super) scale: (i128, i128),
}

const NONE: Dimensions = &[];
const LENGTH: Dimensions = &[("m", 1)];
const AREA: Dimensions = &[("m", 2)];
const VOLUME: Dimensions = &[("m", 3)];
const MASS: Dimensions = &[("kg", 1)];
const TIME: Dimensions = &[("s", 1)];
/// Months and years have no fixed number of days.
const MONTHS: Dimensions = &[("month", 1)];
const SPEED: Dimensions = &[("m", 1), ("s", -1)];
const FREQUENCY: Dimensions = &[("s", -1)];
const FORCE: Dimensions = &[("kg", 1), ("m", 1), ("s", -2)];
const ENERGY: Dimensions = &[("kg", 1), ("m", 2), ("s", -2)];
const POWER: Dimensions = &[("kg", 1), ("m", 2), ("s", -3)];
const PRESSURE: Dimensions = &[("kg", 1), ("m", -1), ("s", -2)];
const CURRENT: Dimensions = &[("A", 1)];
const CHARGE: Dimensions = &[("A", 1), ("s", 1)];
const VOLTAGE: Dimensions = &[("A", -1), ("kg", 1), ("m", 2), ("s", -3)];
const RESISTANCE: Dimensions = &[("A", -2), ("kg", 1), ("m", 2), ("s", -3)];
const CAPACITANCE: Dimensions = &[("A", 2), ("kg", -1), ("m", -2), ("s", 4)];
const INDUCTANCE: Dimensions = &[("A", -2), ("kg", 1), ("m", 2), ("s", -2)];
const FLUX: Dimensions = &[("A", -1), ("kg", 1), ("m", 2), ("s", -2)];
const FLUX_DENSITY: Dimensions = &[("A", -1), ("kg", 1), ("s", -2)];
const DEGREES: Dimensions = &[("deg", 1)];
const DATA: Dimensions = &[("bit", 1)];

const fn entry(
    names: &'static [&'static str],
    dimensions: Dimensions,
    scale: (i128, i128),
) -> Entry {
    Entry { names, dimensions, scale }
}

/// Sources of the scales: the SI Brochure, 9th edition; for customary units NIST Special Publication 811, appendix B. Ounces, pints
/// and gallons are those of the United States, a pound is one of mass.
pub(super) const TABLE: &[Entry] = &[
    entry(&["m", "meter", "meters", "metre", "metres", "米"], LENGTH, (1, 1)),
    entry(
        &["cm", "centimeter", "centimeters", "centimetre", "centimetres", "厘米", "公分"],
        LENGTH,
        (1, 100),
    ),
    entry(
        &["mm", "millimeter", "millimeters", "millimetre", "millimetres", "毫米"],
        LENGTH,
        (1, 1000),
    ),
    entry(
        &["km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "千米", "公里"],
        LENGTH,
        (1000, 1),
    ),
    entry(&["dm", "decimeter", "decimeters", "decimetre", "decimetres", "分米"], LENGTH, (1, 10)),
    entry(
        &["micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres", "微米"],
        LENGTH,
        (1, 1_000_000),
    ),
    entry(
        &["nanometer", "nanometers", "nanometre", "nanometres", "纳米"],
        LENGTH,
        (1, 1_000_000_000),
    ),
    entry(&["Å", "angstrom", "angstroms"], LENGTH, (1, 10_000_000_000)),
    entry(&["in", "inch", "inches", "英寸"], LENGTH, (254, 10_000)),
    entry(&["ft", "foot", "feet", "英尺"], LENGTH, (3048, 10_000)),
    entry(&["yd", "yds", "yard", "yards", "码"], LENGTH, (9144, 10_000)),
    entry(&["mi", "mile", "miles", "英里"], LENGTH, (1_609_344, 1000)),
    entry(&["nautical mile", "nautical miles", "海里"], LENGTH, (1852, 1)),
    entry(&["furlong", "furlongs"], LENGTH, (201_168, 1000)),
    entry(&["fathom", "fathoms"], LENGTH, (18_288, 10_000)),
    entry(
        &["light-year", "light-years", "light year", "light years", "光年"],
        LENGTH,
        (9_460_730_472_580_800, 1),
    ),
    entry(&["astronomical unit", "astronomical units"], LENGTH, (149_597_870_700, 1)),
    entry(&["parsec", "parsecs"], LENGTH, (30_856_775_814_913_673, 1)),
    entry(&["里"], LENGTH, (500, 1)),
    entry(&["尺"], LENGTH, (1, 3)),
    entry(&["寸"], LENGTH, (1, 30)),
    entry(&["丈"], LENGTH, (10, 3)),
    entry(&["acre", "acres", "英亩"], AREA, (40_468_564_224, 10_000_000)),
    entry(&["ha", "hectare", "hectares", "公顷"], AREA, (10_000, 1)),
    entry(&["亩"], AREA, (2000, 3)),
    entry(&["sqm", "sq m", "平方米"], AREA, (1, 1)),
    entry(&["l", "L", "liter", "liters", "litre", "litres", "升", "公升"], VOLUME, (1, 1000)),
    entry(
        &["ml", "mL", "milliliter", "milliliters", "millilitre", "millilitres", "毫升"],
        VOLUME,
        (1, 1_000_000),
    ),
    entry(&["centiliter", "centiliters", "centilitre", "centilitres"], VOLUME, (1, 100_000)),
    entry(&["deciliter", "deciliters", "decilitre", "decilitres"], VOLUME, (1, 10_000)),
    entry(&["cc"], VOLUME, (1, 1_000_000)),
    entry(&["gallon", "gallons", "gal", "加仑"], VOLUME, (3_785_411_784, 1_000_000_000_000)),
    entry(&["quart", "quarts"], VOLUME, (3_785_411_784, 4_000_000_000_000)),
    entry(&["pint", "pints"], VOLUME, (3_785_411_784, 8_000_000_000_000)),
    entry(&["cup", "cups"], VOLUME, (3_785_411_784, 16_000_000_000_000)),
    entry(&["fl oz", "fluid ounce", "fluid ounces"], VOLUME, (3_785_411_784, 128_000_000_000_000)),
    entry(&["tbsp", "tablespoon", "tablespoons"], VOLUME, (3_785_411_784, 256_000_000_000_000)),
    entry(&["tsp", "teaspoon", "teaspoons"], VOLUME, (3_785_411_784, 768_000_000_000_000)),
    entry(
        &[
            "kg",
            "kgs",
            "kilo",
            "kilos",
            "kilogram",
            "kilograms",
            "kilogramme",
            "kilogrammes",
            "千克",
            "公斤",
        ],
        MASS,
        (1, 1),
    ),
    entry(&["g", "gram", "grams", "gramme", "grammes", "克"], MASS, (1, 1000)),
    entry(&["mg", "milligram", "milligrams", "毫克"], MASS, (1, 1_000_000)),
    entry(&["mcg", "microgram", "micrograms", "微克"], MASS, (1, 1_000_000_000)),
    entry(
        &["t", "ton", "tons", "tonne", "tonnes", "metric ton", "metric tons", "吨"],
        MASS,
        (1000, 1),
    ),
    entry(&["lb", "lbs", "pound", "pounds", "磅"], MASS, (45_359_237, 100_000_000)),
    entry(&["oz", "ounce", "ounces", "盎司"], MASS, (45_359_237, 1_600_000_000)),
    entry(&["stone", "stones"], MASS, (635_029_318, 100_000_000)),
    entry(&["斤"], MASS, (1, 2)),
    entry(&["两"], MASS, (1, 20)),
    entry(&["s", "sec", "secs", "second", "seconds", "秒", "秒钟"], TIME, (1, 1)),
    entry(&["ms", "msec", "millisecond", "milliseconds", "毫秒"], TIME, (1, 1000)),
    entry(&["microsecond", "microseconds", "微秒"], TIME, (1, 1_000_000)),
    entry(&["nanosecond", "nanoseconds", "纳秒"], TIME, (1, 1_000_000_000)),
    entry(&["min", "mins", "minute", "minutes", "分钟"], TIME, (60, 1)),
    entry(&["h", "hr", "hrs", "hour", "hours", "小时", "时", "钟头"], TIME, (3600, 1)),
    entry(&["day", "days", "天", "日"], TIME, (86_400, 1)),
    entry(&["week", "weeks", "wk", "wks", "周", "星期"], TIME, (604_800, 1)),
    entry(&["fortnight", "fortnights"], TIME, (1_209_600, 1)),
    entry(&["month", "months", "个月", "月"], MONTHS, (1, 1)),
    entry(&["year", "years", "yr", "yrs", "年", "岁"], MONTHS, (12, 1)),
    entry(&["decade", "decades"], MONTHS, (120, 1)),
    entry(&["century", "centuries", "世纪"], MONTHS, (1200, 1)),
    entry(&["knot", "knots", "节"], SPEED, (1852, 3600)),
    entry(&["mph"], SPEED, (1_609_344, 3_600_000)),
    entry(&["kph", "kmh", "kmph"], SPEED, (1000, 3600)),
    entry(&["N", "newton", "newtons", "牛", "牛顿"], FORCE, (1, 1)),
    entry(&["kilonewton", "kilonewtons", "千牛"], FORCE, (1000, 1)),
    entry(&["dyn", "dyne", "dynes"], FORCE, (1, 100_000)),
    entry(&["lbf"], FORCE, (44_482_216_152_605, 10_000_000_000_000)),
    entry(&["J", "joule", "joules", "焦", "焦耳"], ENERGY, (1, 1)),
    entry(&["kJ", "kilojoule", "kilojoules", "千焦"], ENERGY, (1000, 1)),
    entry(&["megajoule", "megajoules", "兆焦"], ENERGY, (1_000_000, 1)),
    entry(&["erg", "ergs"], ENERGY, (1, 10_000_000)),
    entry(&["cal", "calorie", "calories", "卡"], ENERGY, (4184, 1000)),
    entry(&["Cal", "kcal", "kilocalorie", "kilocalories", "千卡", "大卡"], ENERGY, (4184, 1)),
    entry(&["Wh", "watt-hour", "watt-hours", "watt hour", "watt hours"], ENERGY, (3600, 1)),
    entry(
        &[
            "kWh",
            "kilowatt-hour",
            "kilowatt-hours",
            "kilowatt hour",
            "kilowatt hours",
            "千瓦时",
            "度电",
        ],
        ENERGY,
        (3_600_000, 1),
    ),
    entry(
        &["eV", "electronvolt", "electronvolts"],
        ENERGY,
        (1_602_176_634, 10_000_000_000_000_000_000_000_000_000),
    ),
    entry(&["W", "watt", "watts", "瓦", "瓦特"], POWER, (1, 1)),
    entry(&["kW", "kilowatt", "kilowatts", "千瓦"], POWER, (1000, 1)),
    entry(&["megawatt", "megawatts", "兆瓦"], POWER, (1_000_000, 1)),
    entry(&["hp", "horsepower"], POWER, (7_456_998_715_822_702, 10_000_000_000_000)),
    entry(&["Pa", "pascal", "pascals", "帕", "帕斯卡"], PRESSURE, (1, 1)),
    entry(&["kilopascal", "kilopascals", "千帕"], PRESSURE, (1000, 1)),
    entry(&["atm", "atmosphere", "atmospheres"], PRESSURE, (101_325, 1)),
    entry(&["bar", "bars"], PRESSURE, (100_000, 1)),
    entry(&["torr", "mmHg"], PRESSURE, (101_325, 760)),
    entry(&["psi"], PRESSURE, (6_894_757_293_168, 1_000_000_000)),
    entry(&["A", "ampere", "amperes", "amp", "amps", "安", "安培"], CURRENT, (1, 1)),
    entry(&["milliampere", "milliamperes", "milliamp", "milliamps", "毫安"], CURRENT, (1, 1000)),
    entry(&["coulomb", "coulombs", "库仑"], CHARGE, (1, 1)),
    entry(&["V", "volt", "volts", "伏", "伏特"], VOLTAGE, (1, 1)),
    entry(&["kilovolt", "kilovolts", "千伏"], VOLTAGE, (1000, 1)),
    entry(&["millivolt", "millivolts", "毫伏"], VOLTAGE, (1, 1000)),
    entry(&["Ω", "ohm", "ohms", "欧", "欧姆"], RESISTANCE, (1, 1)),
    entry(&["kilohm", "kilohms", "kiloohm", "kiloohms", "千欧"], RESISTANCE, (1000, 1)),
    entry(&["farad", "farads", "法拉"], CAPACITANCE, (1, 1)),
    entry(&["microfarad", "microfarads"], CAPACITANCE, (1, 1_000_000)),
    entry(&["henry", "henrys", "henries", "亨利"], INDUCTANCE, (1, 1)),
    entry(&["Wb", "weber", "webers", "韦伯"], FLUX, (1, 1)),
    entry(&["tesla", "teslas", "特斯拉"], FLUX_DENSITY, (1, 1)),
    entry(&["gauss"], FLUX_DENSITY, (1, 10_000)),
    entry(&["Hz", "hertz", "赫", "赫兹"], FREQUENCY, (1, 1)),
    entry(&["kilohertz", "千赫"], FREQUENCY, (1000, 1)),
    entry(&["megahertz", "兆赫"], FREQUENCY, (1_000_000, 1)),
    entry(&["rpm"], FREQUENCY, (1, 60)),
    entry(&["K", "kelvin", "kelvins"], &[("K", 1)], (1, 1)),
    entry(
        &["°C", "celsius", "degrees celsius", "degree celsius", "degrees c", "摄氏度"],
        &[("°C", 1)],
        (1, 1),
    ),
    entry(
        &["°F", "fahrenheit", "degrees fahrenheit", "degree fahrenheit", "degrees f", "华氏度"],
        &[("°F", 1)],
        (1, 1),
    ),
    entry(&["mol", "mols", "mole", "moles", "摩尔"], &[("mol", 1)], (1, 1)),
    entry(&["bit", "bits", "比特"], DATA, (1, 1)),
    entry(&["byte", "bytes", "字节"], DATA, (8, 1)),
    entry(&["kB", "KB", "kilobyte", "kilobytes"], DATA, (8000, 1)),
    entry(&["MB", "megabyte", "megabytes"], DATA, (8_000_000, 1)),
    entry(&["GB", "gigabyte", "gigabytes"], DATA, (8_000_000_000, 1)),
    entry(&["TB", "terabyte", "terabytes"], DATA, (8_000_000_000_000, 1)),
    entry(&["deg", "degree", "degrees", "°", "度"], DEGREES, (1, 1)),
    entry(&["revolution", "revolutions"], DEGREES, (360, 1)),
    entry(&["rad", "rads", "radian", "radians", "弧度"], NONE, (1, 1)),
    entry(&["dollar", "dollars", "buck", "bucks", "usd", "USD", "美元"], &[("dollar", 1)], (1, 1)),
    entry(&["cent", "cents", "¢", "美分"], &[("dollar", 1)], (1, 100)),
    entry(&["euro", "euros", "EUR", "€", "欧元"], &[("euro", 1)], (1, 1)),
    entry(
        &["元", "块", "块钱", "yuan", "RMB", "rmb", "CNY", "¥", "￥", "人民币", "元钱"],
        &[("yuan", 1)],
        (1, 1),
    ),
    entry(&["万元"], &[("yuan", 1)], (10_000, 1)),
    entry(&["角"], &[("yuan", 1)], (1, 10)),
    entry(&["£", "GBP", "英镑", "pounds sterling", "pound sterling"], &[("sterling", 1)], (1, 1)),
    entry(&["pence", "penny"], &[("sterling", 1)], (1, 100)),
    entry(&["₹", "rupee", "rupees"], &[("rupee", 1)], (1, 1)),
    entry(&["yen", "日元"], &[("yen", 1)], (1, 1)),
    entry(&["won", "韩元"], &[("won", 1)], (1, 1)),
    entry(
        &[
            "square unit",
            "square units",
            "sq units",
            "sq. units",
            "平方单位",
            "cubic unit",
            "cubic units",
            "unit",
            "units",
            "单位",
            "立方单位",
        ],
        NONE,
        (1, 1),
    ),
];

/// Prefixes of the SI, with what they multiply by.
pub(super) const PREFIXES: &[(&[&str], (i128, i128))] = &[
    (&["p"], (1, 1_000_000_000_000)),
    (&["n"], (1, 1_000_000_000)),
    (&["μ", "u"], (1, 1_000_000)),
    (&["m"], (1, 1000)),
    (&["c"], (1, 100)),
    (&["d"], (1, 10)),
    (&["h"], (100, 1)),
    (&["k"], (1000, 1)),
    (&["M"], (1_000_000, 1)),
    (&["G"], (1_000_000_000, 1)),
    (&["T"], (1_000_000_000_000, 1)),
];

/// Symbols that stand behind all of them, or behind those alone that are listed: `pm` is a time of day and `dg` no one writes. Those
/// of the table with a prefix of their own, such as `cm`, are found there. `F`, `C`, `T` and `H` are units with a prefix only.
pub(super) const PREFIXABLE: &[(&str, Dimensions, (i128, i128), &str)] = &[
    ("m", LENGTH, (1, 1), "nμmcdkM"),
    ("g", MASS, (1, 1000), "nμm"),
    ("s", TIME, (1, 1), "pnμm"),
    ("l", VOLUME, (1, 1000), "μmcd"),
    ("L", VOLUME, (1, 1000), "μmcd"),
    ("N", FORCE, (1, 1), "μmkM"),
    ("J", ENERGY, (1, 1), "nμmkMG"),
    ("eV", ENERGY, (1_602_176_634, 10_000_000_000_000_000_000_000_000_000), "mkMGT"),
    ("W", POWER, (1, 1), "nμmkMGT"),
    ("V", VOLTAGE, (1, 1), "nμmkM"),
    ("A", CURRENT, (1, 1), "pnμmk"),
    ("Hz", FREQUENCY, (1, 1), "mkMGT"),
    ("Pa", PRESSURE, (1, 1), "mhkMG"),
    ("bar", PRESSURE, (100_000, 1), "m"),
    ("mol", &[("mol", 1)], (1, 1), "nμmk"),
    ("Ω", RESISTANCE, (1, 1), "mkMG"),
    ("F", CAPACITANCE, (1, 1), "pnμumk"),
    ("C", CHARGE, (1, 1), "pnμm"),
    ("T", FLUX_DENSITY, (1, 1), "nμm"),
    ("H", INDUCTANCE, (1, 1), "nμm"),
];

/// Measure words of Chinese, which count things and scale nothing.
pub(super) const COUNTERS: &[&str] = &[
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
