import Cluster
import Node
import Testing

/// What a router can be called, and which of the names counts.
struct RouterReferenceTests {
    private static let pin = PinnedRouter(
        cluster: .init(id: ClusterID("clusterclusterc1"), name: "studio", security: .open),
        router: .init(id: NodeID("nodenodenodenod1"), name: "desktop"), url: "http://10.0.0.5:10103")

    @Test(
        arguments: [
            ("", "", .url("http://127.0.0.1:10101")), (" ", "\t", .url("http://127.0.0.1:10101")),
            ("http://a:1", "http://b:2", .url("http://a:1")), ("", "http://b:2", .url("http://b:2")),
            (" http://a:1/// ", "", .url("http://a:1")), ("https://a/llm/", "", .url("https://a/llm")),
            ("HTTP://a:1", "", .url("HTTP://a:1")),
            ("auto", "", .auto), ("AUTO", "http://b:2", .auto), ("", "auto", .auto), ("", " auto ", .auto),
            ("studio", "", .name("studio")), ("studio", "auto", .name("studio")), ("", "lab", .name("lab")),
            ("studio.local", "", .name("studio.local")), ("http://a:1", "auto", .url("http://a:1")),
            // What the hook exports inside the project.
            ("", "http://10.0.0.5:10103", .pinned(pin)), ("  ", " http://10.0.0.5:10103/ ", .pinned(pin)),
            ("", "http://10.0.0.6:10103", .url("http://10.0.0.6:10103")),
            ("http://10.0.0.5:10103", "http://10.0.0.5:10103", .url("http://10.0.0.5:10103")),
            ("auto", "http://10.0.0.5:10103", .auto), ("lab", "http://10.0.0.5:10103", .name("lab")),
        ] as [(String, String, RouterReference)])
    func `the argument counts before the environment, and that before this host`(
        _ argument: String, _ variable: String, _ reference: RouterReference
    ) throws {
        #expect(try RouterReference.read(argument: argument, variable: variable, pin: Self.pin) == reference)
    }

    @Test func `without a pin a URL in the environment is a URL`() throws {
        let url = Self.pin.url
        #expect(try RouterReference.read(argument: "", variable: url) == .url(url))
    }

    @Test(arguments: [
        "ftp://a", "file:///etc/passwd", "http://", "http:a", "http://a b", "http://a\nb", "-n", "two words", "a/b",
    ])
    func `what is neither a URL of the web nor a name is refused`(_ argument: String) {
        let error = #expect(throws: RemoteCatalog.Unavailable.self) {
            try RouterReference.read(argument: argument, variable: "http://b:2")
        }
        #expect(error?.description.contains("is not the URL of a router") == true)
        #expect(error?.description.contains("\n  fix: write it like http://") == true)
    }

    @Test(arguments: [
        ("a:1", "http://a:1"), ("10.0.0.5:10103", "http://10.0.0.5:10103"), ("10.0.0.5", "http://10.0.0.5:10103"),
        ("studio.local:10101", "http://studio.local:10101"), ("[fd00::5]:10103", "http://[fd00::5]:10103"),
        ("[fd00::5]", "http://[fd00::5]:10103"), ("fd00::5", "http://[fd00::5]:10103"), ("::1", "http://[::1]:10103"),
    ])
    func `a host without http is told how to write it`(_ argument: String, _ url: String) {
        let error = #expect(throws: RemoteCatalog.Unavailable.self) {
            try RouterReference.read(argument: argument, variable: "")
        }
        #expect(error?.description == "\"\(argument)\" is a host and no name of a router\n  fix: write \(url)")
    }
}
