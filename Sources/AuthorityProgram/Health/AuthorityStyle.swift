internal import Pages

extension PageStyle {
    /// With the marks of the chart of slots.
    static let authority = PageStyle(
        own: """
            .strips { display: flex; flex-wrap: wrap; gap: .8rem 1.4rem; }
            .strips svg { flex: 0 0 auto; width: 358px; max-width: 100%; height: auto; }
            svg .late { text-anchor: end; }
            svg .own { fill: var(--text); }
            .row { fill: var(--band); }
            .tick { stroke: var(--line); }
            .m-vote { fill: var(--vote); }
            .m-sign { fill: var(--sign); }
            .m-lead { fill: var(--lead); stroke: var(--lead); }
            .m-nolead { fill: none; stroke: var(--lead); }
            .m-none { stroke: var(--soft); fill: none; }
            .m-bad { stroke: var(--bad); fill: none; stroke-width: 2; }
            .m-badfill { fill: var(--bad); }
            .m-good { fill: var(--good); }
            .m-wait { fill: var(--soft); }
            .m-double { fill: none; stroke: var(--bad); stroke-width: 1.5; }

            """)
}
