internal import Pages

extension PageStyle {
    /// With bars, charts and the matrix of links.
    static let pinger = PageStyle(
        own: """
            .num { white-space: nowrap; }
            .bar { display: block; margin: .15rem 0; }
            .b-track { fill: var(--line); }
            .b-tick { fill: var(--soft); }
            .b-good { fill: var(--good); }
            .b-fair { fill: var(--look); }
            .b-bad { fill: var(--bad); }
            .b-more { fill: var(--soft); }
            .charts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; }
            .charts figure { flex: 0 1 540px; min-width: 0; }
            .charts svg { display: block; width: 100%; max-width: 540px; height: auto; margin-top: .4rem; }
            figcaption { max-width: 48rem; }
            svg .late { text-anchor: end; }
            svg .mid { text-anchor: middle; }
            .tick { stroke: var(--line); }
            .c-band { fill: var(--vote); fill-opacity: .3; }
            .c-line { fill: none; stroke: var(--vote); stroke-width: 1.2; }
            .c-value { fill: var(--vote); }
            .c-none { fill: none; stroke: var(--soft); }
            .c-lat { fill: var(--lead); }
            .scroll { overflow-x: auto; margin: .6rem 0; }
            .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
            .scroll svg { display: block; }
            .row { fill: var(--band); }
            .l-own { fill: var(--line); }
            .l-none { fill: none; stroke: var(--soft); stroke-opacity: .6; }
            .l-few { fill: none; stroke: var(--soft); stroke-width: 1.5; }
            .l-0 { fill: var(--good); fill-opacity: .55; }
            .l-1 { fill: var(--look); fill-opacity: .55; }
            .l-2 { fill: var(--look); }
            .l-3 { fill: var(--bad); }
            .l-bad { fill: none; stroke: var(--bad); stroke-width: 2.5; }

            """)
}
