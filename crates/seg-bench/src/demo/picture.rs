//! Live memory over the course of two messages, as a picture.

use super::{Assembly, Course, Report, Route, Row};
use crate::{
    plot::{MemoryChart, Panel, Series},
    table::thousands,
};

/// The messages that are drawn: the body that is decompressed, and the one in most fragments.
const DRAWN: [(Route, &str); 2] = [
    (Route::HttpGzip, "an HTTP body, gzip and chunked"),
    (Route::WsBinary, "a WebSocket message in fragments"),
];

impl Report {
    /// Returns what was live over the course of a gzip body and of a fragmented message, segmented
    /// and contiguous; `None` when no courses were noted.
    #[must_use]
    pub fn memory_chart(&self) -> Option<MemoryChart> {
        let panels: Vec<_> =
            DRAWN.into_iter().filter_map(|(route, title)| self.panel(route, title)).collect();
        if panels.is_empty() {
            return None;
        }
        let notes = [
            "Bytes live in the receiving process: its heap and the slabs its pool maps, noted at each read; the peers are processes of their own.",
            "In hand: the whole message. Dropped: what connection and pool keep without it. Trimmed: what is left when the pool gave idle slabs back.",
        ];
        Some(MemoryChart {
            title: "Live memory while one message is received, from nothing".to_owned(),
            notes: notes.map(str::to_owned).to_vec(),
            panels,
        })
    }

    fn panel(&self, route: Route, title: &str) -> Option<Panel> {
        let series: Option<Vec<_>> =
            Assembly::ALL.into_iter().map(|assembly| self.series(route, assembly)).collect();
        let message_bytes = self.row(route, Assembly::Segmented)?.bytes;
        let title = format!("{title}, {} bytes", thousands(message_bytes));
        Some(Panel { title, message_bytes, series: series? })
    }

    fn row(&self, route: Route, assembly: Assembly) -> Option<&Row> {
        self.rows.iter().find(|row| row.path == route && row.assembly == assembly)
    }

    fn series(&self, route: Route, assembly: Assembly) -> Option<Series> {
        let is_it = |course: &&Course| course.path == route && course.assembly == assembly;
        let samples = &self.courses.iter().find(is_it)?.samples;
        let total = samples.last()?.received_bytes.max(1) as f64;
        let course =
            samples.iter().map(|at| (at.received_bytes as f64 / total, at.live_bytes)).collect();
        let row = self.row(route, assembly)?;
        let name = match assembly {
            Assembly::Segmented => "segmented: received segments are linked",
            Assembly::Contiguous => "contiguous: one growing buffer",
        };
        let (dropped, trimmed) = (row.held_after, row.held_trimmed);
        Some(Series { name: name.to_owned(), course, dropped, trimmed })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Sample, row::tests::row},
        *,
    };

    #[test]
    fn only_what_was_noted_is_drawn() {
        let rows: Vec<_> = Assembly::ALL
            .into_iter()
            .map(|assembly| Row { path: Route::WsBinary, ..row(assembly, 65_536, true) })
            .collect();
        let mut report = Report { title: String::new(), rows, courses: Vec::new() };
        assert!(report.memory_chart().is_none());
        for assembly in Assembly::ALL {
            let samples = [(0, 5), (10, 1 << 20), (40, 64 << 20)];
            let samples = samples
                .map(|(received_bytes, live_bytes)| Sample { received_bytes, live_bytes })
                .to_vec();
            report.courses.push(Course { path: Route::WsBinary, assembly, samples });
        }
        let chart = report.memory_chart().expect("one route was noted");
        assert_eq!(chart.panels.len(), 1);
        let series = &chart.panels[0].series;
        assert_eq!(series[0].course, [(0.0, 5), (0.25, 1 << 20), (1.0, 64 << 20)]);
        assert_eq!((series[1].dropped, series[1].trimmed), (67_150_000, 512));
        assert!(chart.to_svg().contains("67,108,864 bytes"));
    }
}
