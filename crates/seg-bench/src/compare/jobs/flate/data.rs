//! What is compressed.

/// A name, and how to make so many bytes of the kind.
pub(super) const KINDS: [(&str, Make); 3] = [("json", json), ("html", html), ("random", random)];

type Make = fn(usize) -> Vec<u8>;

const WORDS: [&str; 16] = [
    "segment", "pool", "sequence", "window", "budget", "magazine", "reader", "socket", "frame",
    "message", "trailer", "chunk", "depot", "slab", "thread", "limit",
];

/// Numbers that do not repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> &'static str {
        WORDS[(self.next() % 16) as usize]
    }
}

/// Records as an API returns them.
fn json(bytes: usize) -> Vec<u8> {
    let (mut random, mut text) = (Random(0x2545_f491_4f6c_dd1d), String::from("["));
    while text.len() < bytes {
        let (id, score, first, second) =
            (random.next() % 1_000_000, random.next() % 10_000, random.word(), random.word());
        text.push_str(&format!(
            "{{\"id\":{id},\"name\":\"{first} {second}\",\"score\":{}.{},\"tags\":[\"{}\",\"{}\"],\"active\":{}}},",
            score / 100, score % 100, random.word(), random.word(), id % 2 == 0,
        ));
    }
    cut(text, bytes)
}

/// A page with lists and links.
fn html(bytes: usize) -> Vec<u8> {
    let (mut random, mut text) =
        (Random(0x9e37_79b9_7f4a_7c15), String::from("<!doctype html><ul>"));
    while text.len() < bytes {
        let id = random.next() % 100_000;
        text.push_str(&format!(
            "<li class=\"item {}\"><a href=\"/{}/{id}.html\" title=\"{}\">{} {}</a>",
            random.word(),
            random.word(),
            random.word(),
            random.word(),
            random.word(),
        ));
        for _ in 0..random.next() % 20 {
            text.push_str(random.word());
            text.push(' ');
        }
        text.push_str("</li>\n");
    }
    cut(text, bytes)
}

/// Bytes that do not compress.
fn random(bytes: usize) -> Vec<u8> {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    core::iter::repeat_with(|| random.next().to_le_bytes()).flatten().take(bytes).collect()
}

fn cut(text: String, bytes: usize) -> Vec<u8> {
    let mut text = text.into_bytes();
    text.truncate(bytes);
    text
}
