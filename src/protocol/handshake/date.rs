//! The time as HTTP has it (RFC 9110 §5.6.7).

/// The length of a date.
pub const LEN: usize = 29;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;
const WEEKDAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec", b"Jan", b"Feb",
];
/// From the first of March of the year 0 to the first of January of 1970.
const DAYS_BEFORE_1970: u64 = 719_468;
const DAYS_IN_400_YEARS: u64 = 146_097;

/// The date so many seconds behind the beginning of 1970, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn imf_fixdate(seconds: u64) -> [u8; LEN] {
    let (day, second) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
    let (year, month, day_of_month) = civil(day);
    let [y1, y2, y3, y4] = [year / 1000, year / 100, year / 10, year].map(digit);
    let [d1, d2] = two_digits(day_of_month);
    let [h1, h2] = two_digits(second / 3600);
    let [m1, m2] = two_digits(second / 60 % 60);
    let [s1, s2] = two_digits(second % 60);
    let [w1, w2, w3] = *WEEKDAYS.get((day % 7) as usize).copied().unwrap_or(b"   ");
    let [n1, n2, n3] = *MONTHS.get(month).copied().unwrap_or(b"   ");
    [
        w1, w2, w3, b',', b' ', d1, d2, b' ', n1, n2, n3, b' ', y1, y2, y3, y4, b' ', h1, h2, b':',
        m1, m2, b':', s1, s2, b' ', b'G', b'M', b'T',
    ]
}

/// The year, the month from March as 0, and the day of the month from 1. A year begins with March here,
/// so that the day which some years have more is the last one.
fn civil(days_since_1970: u64) -> (u64, usize, u64) {
    let days = days_since_1970 + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    // Without the days that every 4th year has more, every 100th has not, and the 400th has.
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, 5 months have 153 days.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    (400 * era + year_of_era + u64::from(month >= 10), month as usize, day)
}

fn digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

fn two_digits(number: u64) -> [u8; 2] {
    [digit(number / 10), digit(number)]
}

#[cfg(test)]
mod tests;
