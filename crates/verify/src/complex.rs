//! Complex numbers over `libm`, whose results do not depend on the machine.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

pub(crate) const ONE: Complex = Complex { re: 1.0, im: 0.0 };
const I: Complex = Complex { re: 0.0, im: 1.0 };

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self { re: -self.re, im: -self.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        if other.im == 0.0 {
            return Self { re: self.re / other.re, im: self.im / other.re };
        }
        let square = other.re * other.re + other.im * other.im;
        let above = self * Self { re: other.re, im: -other.im };
        Self { re: above.re / square, im: above.im / square }
    }
}

impl Complex {
    pub(crate) fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    pub(crate) fn scale(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    pub(crate) fn size(self) -> f64 {
        if self.im == 0.0 { self.re.abs() } else { libm::hypot(self.re, self.im) }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }

    pub(crate) fn is_real(self) -> bool {
        self.im == 0.0
    }

    pub(crate) fn angle(self) -> f64 {
        libm::atan2(self.im, self.re)
    }

    pub(crate) fn exp(self) -> Self {
        let size = libm::exp(self.re);
        if self.im == 0.0 {
            return Self::real(size);
        }
        Self { re: size * libm::cos(self.im), im: size * libm::sin(self.im) }
    }

    pub(crate) fn ln(self) -> Self {
        Self { re: libm::log(self.size()), im: self.angle() }
    }

    pub(crate) fn sqrt(self) -> Self {
        if self.im == 0.0 {
            let root = libm::sqrt(self.re.abs());
            return if self.re < 0.0 { Self { re: 0.0, im: root } } else { Self::real(root) };
        }
        self.ln().scale(0.5).exp()
    }

    /// A whole power, by squaring.
    pub(crate) fn whole_power(self, exponent: i64) -> Self {
        let (mut base, mut left, mut result) = (self, exponent.unsigned_abs(), ONE);
        while left > 0 {
            if left & 1 == 1 {
                result = result * base;
            }
            base = base * base;
            left >>= 1;
        }
        if exponent < 0 { ONE / result } else { result }
    }

    pub(crate) fn power(self, exponent: Self) -> Self {
        if self.im == 0.0 && exponent.im == 0.0 && self.re > 0.0 {
            return Self::real(libm::pow(self.re, exponent.re));
        }
        (self.ln() * exponent).exp()
    }

    pub(crate) fn sin(self) -> Self {
        if self.im == 0.0 {
            return Self::real(libm::sin(self.re));
        }
        Self {
            re: libm::sin(self.re) * libm::cosh(self.im),
            im: libm::cos(self.re) * libm::sinh(self.im),
        }
    }

    pub(crate) fn cos(self) -> Self {
        if self.im == 0.0 {
            return Self::real(libm::cos(self.re));
        }
        Self {
            re: libm::cos(self.re) * libm::cosh(self.im),
            im: -libm::sin(self.re) * libm::sinh(self.im),
        }
    }

    pub(crate) fn sinh(self) -> Self {
        if self.im == 0.0 {
            return Self::real(libm::sinh(self.re));
        }
        -(I * (I * self).sin())
    }

    pub(crate) fn cosh(self) -> Self {
        if self.im == 0.0 {
            return Self::real(libm::cosh(self.re));
        }
        (I * self).cos()
    }

    pub(crate) fn asin(self) -> Self {
        if self.im == 0.0 && self.re.abs() <= 1.0 {
            return Self::real(libm::asin(self.re));
        }
        -(I * (I * self + (ONE - self * self).sqrt()).ln())
    }

    pub(crate) fn acos(self) -> Self {
        if self.im == 0.0 && self.re.abs() <= 1.0 {
            return Self::real(libm::acos(self.re));
        }
        Self::real(std::f64::consts::FRAC_PI_2) - self.asin()
    }

    pub(crate) fn atan(self) -> Self {
        if self.im == 0.0 {
            return Self::real(libm::atan(self.re));
        }
        let turned = I * self;
        ((ONE + turned).ln() - (ONE - turned).ln()) / Self { re: 0.0, im: 2.0 }
    }
}
