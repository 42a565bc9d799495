import Daemon
import Directory
import Spool
import Testing
import WireFormat

@testable import ClientProgram

struct EstimateTests {
    /// With the defaults a node holds 48 packets of its network's loops, and 2 of mean delay 5 s.
    @Test func theLawOfRateAndDelay() {
        let parameters = NetworkParameters()
        let normal = AnonymityEstimate(mean: parameters.meanDelay, parameters: parameters)
        #expect(abs(normal.held - 48) < 0.01)
        #expect(abs(normal.bits - 7.03) < 0.01)
        let urgent = AnonymityEstimate(mean: parameters.urgentMeanDelay, parameters: parameters)
        #expect(abs(urgent.bits - 2.44) < 0.01)
        #expect(AnonymityEstimate(mean: .zero, parameters: parameters).bits == 0)
    }

    @Test func textsFromElsewhereCannotSteerATerminal() {
        #expect(Printable.text("a\u{1B}[2J\n\u{202E}b\u{7F}") == "a\\x1b[2J\\xa\\x202eb\\x7f")
        #expect(Printable.text(String(repeating: "x", count: 300)).count == 203)
    }

    @Test func timesOnTheCommandLine() {
        #expect(ClientArgument.interval("90s") == .seconds(90))
        #expect(ClientArgument.interval("1.5") == .milliseconds(1500))
        #expect(ClientArgument.interval("2d") == .days(2))
        for text in ["", "s", "-1", "1 s", "nan", "1e300", "99999999d"] {
            #expect(ClientArgument.interval(text) == nil, "\(text)")
        }
    }

    @Test func tablesLineUp() {
        var table = TextTable(["A", "LONG"])
        table.add(["wide one", "x"])
        #expect(table.lines == ["A         LONG", "wide one  x"])
    }
}
