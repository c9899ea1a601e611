//! The confusion of predicted with true classes, each row scaled to 100 %.

use std::collections::BTreeMap;

use plotters::prelude::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform};

use super::{Canvas, DrawingError, Frame, palette, pixel, text, tick_step};
use crate::{ConfusionCell, RenderError};

/// How many rows are drawn at most; more classes share a row.
const MOST_ROWS: u32 = 80;

const LEFT: i32 = 62;
const TOP: i32 = 30;
const SIDE: i32 = 430;

/// Where a prediction is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    /// The column of a group of classes.
    Group(u32),
    /// A class that no question has, below or above all.
    Outside,
    /// No number.
    Unparseable,
}

/// Counts of `(group of true classes, column)`.
struct Confusion {
    counts: BTreeMap<(u32, Column), usize>,
    totals: BTreeMap<u32, usize>,
    /// Classes per row.
    group: u32,
    first: u32,
    num_groups: u32,
}

/// Draws the heat map, with what a class is on its axes; `None` where nothing was predicted.
pub(crate) fn heatmap(
    cells: &[ConfusionCell],
    axis: &str,
    description: &str,
) -> Result<Option<String>, RenderError> {
    let Some(confusion) = Confusion::of(cells) else { return Ok(None) };
    let side = confusion.cell() * confusion.rows();
    let width = (confusion.x(Column::Unparseable) + confusion.strip() + 16).max(LEFT + 410);
    let height = TOP + side + 84;
    let frame = Frame { width: width.unsigned_abs(), height: height.unsigned_abs(), description };
    frame.draw(|canvas| confusion.draw(canvas, axis)).map(Some)
}

impl Confusion {
    fn of(cells: &[ConfusionCell]) -> Option<Self> {
        let first = cells.iter().map(|cell| cell.class).min()?;
        let last = cells.iter().map(|cell| cell.class).max()?;
        let num_classes = last - first + 1;
        let group = num_classes.div_ceil(MOST_ROWS);
        let (mut counts, mut totals) = (BTreeMap::new(), BTreeMap::new());
        for cell in cells {
            let row = (cell.class - first) / group;
            let column = match cell.predicted.map(u32::try_from) {
                None => Column::Unparseable,
                Some(Ok(class)) if (first..=last).contains(&class) => {
                    Column::Group((class - first) / group)
                }
                Some(_) => Column::Outside,
            };
            *counts.entry((row, column)).or_default() += cell.count;
            *totals.entry(row).or_default() += cell.count;
        }
        Some(Self { counts, totals, group, first, num_groups: num_classes.div_ceil(group) })
    }

    fn rows(&self) -> i32 {
        i32::try_from(self.num_groups).unwrap_or(i32::MAX)
    }

    /// The side of a cell in pixels.
    fn cell(&self) -> i32 {
        (SIDE / self.rows()).clamp(5, 36)
    }

    /// The width of the columns beside the square.
    fn strip(&self) -> i32 {
        self.cell().max(14)
    }

    fn draw(&self, canvas: &Canvas, axis: &str) -> Result<(), DrawingError> {
        let side = self.cell() * self.rows();
        for (&(row, column), &count) in &self.counts {
            let total = self.totals.get(&row).copied().unwrap_or(count);
            self.draw_cell(canvas, (row, column), count as f64 / total as f64)?;
        }
        let frame =
            |x: i32, width| Rectangle::new([(x, TOP), (x + width, TOP + side)], palette::GREY);
        canvas.draw(&frame(LEFT, side))?;
        for (column, name) in [(Column::Outside, "other"), (Column::Unparseable, "none")] {
            let width = self.strip();
            canvas.draw(&frame(self.x(column), width))?;
            let style = text(10.0, HPos::Center, VPos::Bottom);
            canvas.draw(&Text::new(name, (self.x(column) + width / 2, TOP - 6), style))?;
        }
        self.draw_axes(canvas, side, axis)?;
        draw_scale(canvas, TOP + side + 58)
    }

    fn x(&self, column: Column) -> i32 {
        let side = self.cell() * self.rows();
        match column {
            Column::Group(group) => LEFT + self.cell() * i32::try_from(group).unwrap_or(0),
            Column::Outside => LEFT + side + 14,
            Column::Unparseable => LEFT + side + 14 + self.strip().max(26) + 10,
        }
    }

    fn draw_cell(
        &self,
        canvas: &Canvas,
        (row, column): (u32, Column),
        share: f64,
    ) -> Result<(), DrawingError> {
        let (x, y) = (self.x(column), TOP + self.cell() * i32::try_from(row).unwrap_or(0));
        let width = if matches!(column, Column::Group(_)) { self.cell() } else { self.strip() };
        let corners = [(x, y), (x + width, y + self.cell())];
        canvas.draw(&Rectangle::new(corners, palette::BLUE.mix(shade(share)).filled()))
    }

    fn draw_axes(&self, canvas: &Canvas, side: i32, axis: &str) -> Result<(), DrawingError> {
        let classes = f64::from(self.num_groups * self.group);
        let step = tick_step(classes, 12.0).max(f64::from(self.group));
        let mut class = (f64::from(self.first) / step).ceil() * step;
        while class < f64::from(self.first) + classes {
            let groups = (class - f64::from(self.first)) / f64::from(self.group);
            let middle = pixel((groups.floor() + 0.5) * f64::from(self.cell()));
            let label = format!("{class}");
            let below = text(11.0, HPos::Center, VPos::Top);
            let beside = text(11.0, HPos::Right, VPos::Center);
            canvas.draw(&Text::new(label.clone(), (LEFT + middle, TOP + side + 5), below))?;
            canvas.draw(&Text::new(label, (LEFT - 6, TOP + middle), beside))?;
            class += step;
        }
        let below = text(12.0, HPos::Center, VPos::Top);
        canvas.draw(&Text::new(
            format!("predicted {axis}"),
            (LEFT + side / 2, TOP + side + 22),
            below.clone(),
        ))?;
        let turned = below.transform(FontTransform::Rotate270);
        canvas.draw(&Text::new(format!("true {axis}"), (12, TOP + side / 2), turned))
    }
}

/// The opacity of a share: its root, so that a share of 1 % can still be seen.
fn shade(share: f64) -> f64 {
    share.clamp(0.0, 1.0).sqrt()
}

fn draw_scale(canvas: &Canvas, y: i32) -> Result<(), DrawingError> {
    let left = text(11.0, HPos::Left, VPos::Center);
    canvas.draw(&Text::new("of the row:", (LEFT, y + 6), left.clone()))?;
    for (i, percent) in (0..).zip([1, 5, 20, 50, 100]) {
        let x = LEFT + 72 + 66 * i;
        let color = palette::BLUE.mix(shade(f64::from(percent) / 100.0));
        canvas.draw(&Rectangle::new([(x, y), (x + 14, y + 12)], color.filled()))?;
        canvas.draw(&Text::new(format!("{percent}%"), (x + 19, y + 6), left.clone()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(class: u32, predicted: Option<i64>, count: usize) -> ConfusionCell {
        ConfusionCell { class, predicted, count }
    }

    #[test]
    fn rows_and_columns_begin_at_the_smallest_true_class() {
        let cells = [
            cell(5, Some(5), 3),
            cell(5, Some(7), 1),
            cell(7, Some(6), 2),
            cell(7, Some(4), 1),
            cell(7, Some(8), 1),
            cell(7, Some(-1), 1),
            cell(7, None, 4),
        ];
        let confusion = Confusion::of(&cells).expect("seven cells");
        assert_eq!((confusion.first, confusion.group, confusion.num_groups), (5, 1, 3));
        let expected = [
            ((0, Column::Group(0)), 3),
            ((0, Column::Group(2)), 1),
            ((2, Column::Group(1)), 2),
            ((2, Column::Outside), 3),
            ((2, Column::Unparseable), 4),
        ];
        assert_eq!(confusion.counts, BTreeMap::from(expected));
        assert_eq!(confusion.totals, BTreeMap::from([(0, 4), (2, 9)]));
    }

    #[test]
    fn many_classes_share_rows() {
        let cells: Vec<ConfusionCell> =
            (10..331).map(|class| cell(class, Some(class.into()), 1)).collect();
        let confusion = Confusion::of(&cells).expect("321 cells");
        assert_eq!((confusion.first, confusion.group, confusion.num_groups), (10, 5, 65));
        assert_eq!(confusion.counts[&(3, Column::Group(3))], 5);
        assert_eq!(confusion.counts[&(64, Column::Group(64))], 1);
    }

    #[test]
    fn a_shade_is_the_root_of_the_share() {
        assert!((shade(0.04) - 0.2).abs() < 1e-12 && shade(2.0) <= 1.0);
    }
}
