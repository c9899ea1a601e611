//! What the crate promises, by example, by property, on constructed pairs and on hostile input.

mod cases;
mod families;
mod forms;
mod goldens;
mod hostile;
mod measures;
mod notation;
mod properties;
mod prose;
