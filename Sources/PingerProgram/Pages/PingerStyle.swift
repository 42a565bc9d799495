internal import Pages

extension PageStyle {
    /// With bars, charts and the matrix of links.
    static let pinger = PageStyle(
        own: """
            .num { white-space: nowrap; }
            .bar { display: block; margin: .2rem 0 .2rem -8px; }
            @media (min-width: 46.01rem) { tbody :is(th, td) > code.soft { display: block; } }
            .b-track { fill: var(--line); }
            .b-tick { fill: var(--soft); }
            .b-good { fill: var(--good); }
            .b-fair { fill: var(--look); }
            .b-bad { fill: var(--bad); }
            .b-more { fill: var(--soft); }
            @media (max-width: 46rem) {
              table.nodes td:nth-child(n+4) { display: inline-block; width: 24%; padding: .3rem 0 0; vertical-align: top; }
              table.nodes td:nth-child(n+8) { width: 48.5%; }
              table.nodes td:last-child { width: 100%; }
              table.nodes td:nth-child(n+4)::before { position: static; display: block; width: auto; font-size: .85rem; }
            }
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
