//! libdill_ws
