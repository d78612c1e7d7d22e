import Cluster
import Testing

struct LentCatalogTests {
    private static let keys = "hf_repo = a/b\nhf_file = c\n"

    /// What is hidden is marked with `hidden`; what is not stays, byte by byte.
    @Test(arguments: [
        (
            "# mine\n[DEFAULT]\nx = 1\n[NODE]\nshare = smart ; hidden\n[smart]\n\(keys)[fast]\n\(keys)# hidden\n",
            "# mine\n[DEFAULT]\nx = 1\n[smart]\n\(keys)"
        ),
        (
            "[fast]\r\n; hidden\r\nhf_repo = a/b\r\nhf_file = c\r\n[smart]\r\nhf_repo = a/b\r\nhf_file = c\r\n[NODE]\r\nshare = smart\r\n",
            "[smart]\r\nhf_repo = a/b\r\nhf_file = c\r\n"
        ),
        ("[fast] ; see [docs] hidden\n\(keys)[smart] ; see [fast]\n\(keys)", "[smart] ; see [fast]\n\(keys)"),
        ("  [fast]\n  hidden = 1\n  hf_repo = a/b\n  hf_file = c\n  [smart]\n\(keys)", "  [smart]\n\(keys)"),
        ("[fast]\n\(keys)[DEFAULT]\nx = 1\n[smart]\n\(keys)", "[DEFAULT]\nx = 1\n[smart]\n\(keys)"),
        ("[smart]\n\(keys)[DEFAULT]\nx = 1\n  [fast]\ny = 2\n", "[smart]\n\(keys)[DEFAULT]\nx = 1\n  [fast]\ny = 2\n"),
        (
            "[smart]\n\(keys)description = one\n  [fast]\n  two\nttl = 1",
            "[smart]\n\(keys)description = one\n  [fast]\n  two\nttl = 1"
        ),
        ("[smart]\r\(keys)[fast]\rhidden = 1\r\(keys)", "[smart]\r\(keys)"),
        ("\u{FEFF}[fast]\nhidden = 1\n\(keys)[smart]\n\(keys)", "\u{FEFF}[smart]\n\(keys)"),
        ("\u{FEFF}[smart]\n\(keys)\n\n[fast]\nhidden = 1\n\(keys)", "\u{FEFF}[smart]\n\(keys)\n\n"),
    ])
    func `Tiers that are not lent are hidden as the file is read, and nothing else`(text: String, lent: String) throws {
        var catalog = try Catalog.parse(text, file: "models.ini")
        catalog.node.share = .tiers(["smart"])
        #expect(try catalog.lentText(of: text) == lent)
    }

    @Test func `A file that cannot be read by its sections is not shown at all`() throws {
        let catalog = try Catalog.parse("[smart]\n\(Self.keys)", file: "models.ini")
        #expect(throws: CatalogError.self) { _ = try catalog.lentText(of: "[smart]\n[smart]\n") }
    }
}
