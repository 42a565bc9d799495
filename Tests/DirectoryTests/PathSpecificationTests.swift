import Directory
import Testing

@Suite("The path language")
struct PathSpecificationTests {
    private typealias Element = PathSpecification.Element

    @Test(
        "is read",
        arguments: [
            ("ada", [.node("ada")]), ("Ada-1,b_2", [.node("Ada-1"), .node("b_2")]), ("?", [.random(1)]), ("*", [.fill]),
            ("*1", [.random(1)]), ("*5", [.random(5)]), ("~1", [.about(1)]), ("~4", [.about(4)]),
            ("{a}", [.oneOf(["a"])]),
            ("{a|b|0123abcd}", [.oneOf(["a", "b", "0123abcd"])]), ("0123456789abcdef", [.node("0123456789abcdef")]),
            (" ada , ? ", [.node("ada"), .random(1)]), ("{ a | b }", [.oneOf(["a", "b"])]),
            ("?,*2,ada,~2,{a|b},*", [.random(1), .random(2), .node("ada"), .about(2), .oneOf(["a", "b"]), .fill]),
        ] as [(String, [PathSpecification.Element])])
    func good(text: String, elements: [PathSpecification.Element]) throws {
        #expect(try PathSpecification(text).elements == elements)
    }

    @Test("without a wish it is as many random nodes as the network's paths have")
    func standard() throws { #expect(try PathSpecification("*") == PathSpecification.standard) }

    private static let empty = "an element is empty; write for example `*2,alpha`"

    @Test(
        "is refused with a reason",
        arguments: [
            ("", empty), (" ", empty), (",", empty), ("a,", empty), (",a", empty), ("a,,b", empty),
            ("??", "`??`: a question mark stands alone"), ("?2", "`?2`: a question mark stands alone"),
            ("*0", "`*0`: a number from 1 to 5 must follow"), ("*6", "`*6`: a number from 1 to 5 must follow"),
            ("*x", "`*x`: a number from 1 to 5 must follow"), ("**", "`**`: a number from 1 to 5 must follow"),
            ("*+2", "`*+2`: a number from 1 to 5 must follow"), ("*02", "`*02`: a number from 1 to 5 must follow"),
            ("*99999999999999999999", "`*99999999999999999999`: a number from 1 to 5 must follow"),
            ("~", "`~`: a number from 1 to 5 must follow"), ("~0", "`~0`: a number from 1 to 5 must follow"),
            ("~-1", "`~-1`: a number from 1 to 5 must follow"), ("{a|b", "`{a|b`: the closing brace is missing"),
            ("{", "`{`: the closing brace is missing"), ("{a}b", "`{a}b`: the closing brace is missing"),
            ("{}", "`{}`: names separated by | must stand in braces"),
            ("{a||b}", "`{a||b}`: names separated by | must stand in braces"),
            ("{a|}", "`{a|}`: names separated by | must stand in braces"),
            ("{?}", "`{?}`: names separated by | must stand in braces"),
            ("{{a}}", "`{{a}}`: names separated by | must stand in braces"),
            ("1abc", "`1abc` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("0123abc", "`0123abc` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("0123ABCD", "`0123ABCD` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("a b", "`a b` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("é", "`é` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("}", "`}` is neither a node's name nor one of ?, *, *N, ~N, {A|B}"),
            ("*,*", "`*` can stand once in a path"), ("*,a,*", "`*` can stand once in a path"),
        ])
    func bad(text: String, reason: String) {
        let error = #expect(throws: PathError.self) { try PathSpecification(text) }
        #expect(error == .syntax(reason))
        #expect(error?.description == "the path is not well-formed: \(reason)")
    }
}
