// The style sheet that the pages of all programs have in common. It stands inside every page, so that a page is one
// file; the policy that goes with a page allows it by its hash and allows nothing else: no scripts, no images, nothing
// from anywhere.

internal import MixCrypto
internal import WireFormat

/// The style sheet of a program's pages.
public struct PageStyle: Sendable {
    /// Between `<style>` and `</style>`, to the byte.
    public let text: String
    /// Content-Security-Policy of every page with it.
    public let policy: String

    /// - Parameter own: rules for what only this program's pages have, each ending its line.
    public init(own: String) {
        text = Self.common + own + Self.last
        policy =
            "default-src 'none'; style-src 'sha256-\(Base64.encode(Digest.sha256(text).bytes))'; "
            + "base-uri 'none'; form-action 'none'"
    }

    private static let common = """
        :root { color-scheme: light dark;
          --back: #fff; --text: #1b1f24; --soft: #57606a; --line: #d4d9df; --band: #f4f6f8; --link: #0550ae;
          --good: #1a7f37; --look: #9a5b00; --bad: #c0152f; --vote: #0550ae; --sign: #1a7f37; --lead: #6f42c1; }
        @media (prefers-color-scheme: dark) { :root {
          --back: #14181d; --text: #e6e9ed; --soft: #a3acb7; --line: #39414b; --band: #1d232a; --link: #79b8ff;
          --good: #56d364; --look: #e3b341; --bad: #ff7b85; --vote: #79b8ff; --sign: #56d364; --lead: #c8a6ff; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--back); color: var(--text);
          font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
        bdi, code, td a { overflow-wrap: anywhere; }
        a { color: var(--link); }
        a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: .2rem 0; }
        h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .6rem; border-top: 1px solid var(--line); }
        h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
        p { margin: .4rem 0; max-width: 48rem; }
        header p, .soft, caption, footer { color: var(--soft); }
        header p { max-width: none; }
        nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .6rem 0; padding: 0; }
        nav a { display: inline-block; padding: .2rem 0; }
        nav a[aria-current] { color: inherit; font-weight: 600; text-decoration: none; }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; }
        code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; }
        .state { border: 1px solid var(--line); border-left: .4rem solid var(--good); padding: .5rem 1rem; margin: 1rem 0; }
        .state h2 { border: 0; margin: .2rem 0; padding: 0; }
        .state.attend { border-left-color: var(--look); }
        .state.urgent { border-left-color: var(--bad); }
        .state ul { margin: .5rem 0; padding: 0; list-style: none; }
        .state li { margin: .7rem 0; max-width: 56rem; }
        .level { font-weight: 700; }
        .level.urgent, .bad { color: var(--bad); }
        .level.attend, .look { color: var(--look); }
        .good { color: var(--good); }
        .bad, .look { font-weight: 600; }
        dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1.2rem; margin: .5rem 0; }
        dt { color: var(--soft); }
        dd { margin: 0; }
        table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .92rem; }
        caption { text-align: left; padding: .2rem 0; }
        th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
        thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
        tbody th { font-weight: 600; }
        td, .when { font-variant-numeric: tabular-nums; }
        table.narrow { width: auto; }
        table.narrow td, table.narrow th { padding-right: 3rem; }
        tr.strange th, tr.strange td { background: var(--band); }
        .when { white-space: nowrap; }
        .flag { display: inline-block; border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; margin: 0 .1rem .1rem 0;
          font-size: .85rem; }
        .flag.bad { border-color: currentColor; }
        .flag.look { border-color: currentColor; }
        details { margin: .5rem 0; }
        summary { cursor: pointer; color: var(--link); padding: .2rem 0; }
        figure { margin: .8rem 0; }
        .key { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; list-style: none; padding: 0; margin: .4rem 0; font-size: .92rem; }
        .key svg { width: 16px; height: 16px; vertical-align: -3px; margin-right: .3rem; }
        svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }

        """

    private static let last = """
        footer { margin-top: 2.5rem; padding-top: .6rem; border-top: 1px solid var(--line); font-size: .92rem; }
        @media (max-width: 46rem) {
          dl { display: block; }
          dd { margin: 0 0 .5rem; }
          table, tbody, tr, td, tbody th { display: block; width: auto; }
          caption { display: block; }
          thead { position: absolute; left: -99rem; }
          tr { border-bottom: 1px solid var(--line); padding: .5rem 0; }
          th, td { border: 0; padding: .1rem 0; }
          td { position: relative; padding-left: 7.5rem; min-height: 1.7rem; }
          td::before { content: attr(data-label); color: var(--soft); position: absolute; left: 0; width: 7rem; }
          table.narrow td, table.narrow th { padding-right: 0; }
          tr.strange { background: var(--band); }
        }
        @media print { body { max-width: none; } nav { display: none; } }

        """
}
