import Coordinator
import Testing
import Wire

struct LoopbackGuardTests {
    private static let loopback = LoopbackGuard(hostName: "Studio.lan", allowedHosts: "proxy.example, other.example")

    @Test(arguments: [
        ("127.0.0.1", true), ("127.0.0.1:10101", true), ("10.0.0.5:10101", true), ("[::1]:10101", true),
        ("localhost:1", true),
        ("LOCALHOST.", true), ("studio.local", true), ("studio", true), ("studio.lan:10101", true),
        ("STUDIO.fritz.box", true),
        ("proxy.example", true), ("other.example:80", true), ("evil.example", false), ("studio2.lan", false),
        ("127.0.0.1.evil.example", false), ("localhost.evil.example", false), ("notlocal", false), ("1.2.3", false),
        ("1.2.3.256", false), ("0x7f.0.0.1", false), ("local", false), ("", false),
    ])
    func aHostNamePassesOnlyIfItIsThisHosts(_ host: String, _ passes: Bool) {
        #expect((Self.loopback.fault(["host": host]) == nil) == passes)
    }

    @Test(arguments: [
        ("http://localhost:3000", true), ("http://127.0.0.1:8080", true), ("https://[::1]", true),
        ("http://10.0.0.5", true),
        ("https://proxy.example", true), ("vscode-webview://abc", true), ("app://obsidian.md", true), ("null", false),
        ("https://evil.example", false), ("http://6.6.6.6", false), ("http://localhost.evil.example", false),
        ("HTTPS://EVIL.EXAMPLE", false), ("http://", false),
    ])
    func aPageMayAskOnlyIfItIsFromHere(_ origin: String, _ passes: Bool) {
        #expect((Self.loopback.fault(["host": "10.0.0.5:10101", "origin": origin]) == nil) == passes)
    }

    /// A page under a name of its own that begins with this host's may be rebound to this host's address.
    @Test(arguments: [
        ("studio.evil.example", "http://studio.evil.example", false), ("studio.lan", "https://studio.lan", false),
        ("studio.evil.example", "http://localhost:3000", true), ("studio.evil.example", "vscode-webview://abc", true),
        ("studio", "http://studio:10101", true), ("studio.local:10101", "http://studio.local:10101", true),
        ("10.0.0.5", "http://10.0.0.5:10101", true), ("proxy.example", "https://proxy.example", true),
    ])
    func aPageIsFromHereOnlyUnderANameThatNobodyElseCanHave(_ host: String, _ origin: String, _ passes: Bool) {
        #expect((Self.loopback.fault(["host": host, "origin": origin]) == nil) == passes)
    }

    /// What a page's image, script or frame asks for: browsers send no origin with it.
    @Test(arguments: [
        ("cross-site", nil, false), ("same-site", nil, false), ("Cross-Site", nil, false), ("none", nil, true),
        ("same-origin", nil, true), (nil, nil, true), ("cross-site", "vscode-webview://abc", true),
        ("cross-site", "http://localhost:3000", true), ("cross-site", "https://evil.example", false),
    ])
    func whatAPageOfAnotherSiteEmbedsIsRefused(_ site: String?, _ origin: String?, _ passes: Bool) {
        var fields: Fields = ["host": "127.0.0.1:10101"]
        if let site { fields.add("sec-fetch-site", site) }
        if let origin { fields.add("origin", origin) }
        #expect((Self.loopback.fault(fields) == nil) == passes)
    }
}
