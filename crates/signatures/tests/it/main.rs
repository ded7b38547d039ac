//! Tests of signatures through the public functions.

mod published;
mod refused;
mod round;
