/// What a user can get wrong about clusters.
extension UserErrorTests {
    /// Nobody is looked for, and no router runs: port 1 is nobody's.
    static let alone = ["LLMSTACK_DISCOVERY": "none", "ROUTER_PORT": "1", "LLMSTACK_CLUSTER_PORT": "1"]

    static let clusterJSON = ".config/llmstack/cluster.json"
    static let nodesJSON = ".config/llmstack/nodes.json"
    private static let member = [clusterJSON: #"{"id": "clusterclusterc1", "name": "studio", "security": "open"}"#]
    private static let one = [nodesJSON: #"{"nodes": ["127.0.0.1:1"]}"#]

    /// A project that uses a cluster with keys through its gateway.
    private static let client = [
        ".llmstack/default-channel": "external http://127.0.0.1:1\n",
        ".llmstack/router.json": """
        {"version": 2, "cluster": {"id": "clusterclusterc1", "name": "studio", "security": "keys"}, "router": {"id": \
        "nodenodenodenod1", "name": "desk"}, "url": "https://10.0.0.5:10103", "authority": "a", "gateway": true}
        """,
    ]

    /// Faults of `[NODE]`, with what is said of them.
    static let brokenNodeSections: [(String, [String])] = [
        ("[NODE]\nname = two words", [":2:", "two words", "letters, digits"]),
        ("[NODE]\nname = -x", [":2:", "-x"]),
        ("[NODE]\nname = \(String(repeating: "x", count: 41))", [":2:", "1 to 40"]),
        ("[NODE]\nshare = nobody", [":2:", "nobody", "heavy, all, none"]),
        ("[a]\nhf_repo = a\nhf_file = b\n[NODE]\nshare = a, ghost", [":5:", "ghost"]),
        ("[NODE]\n\nmatch = maybe", [":3:", "maybe", "exact, family, name"]),
        ("[NODE]\non_battery = perhaps", [":2:", "perhaps", "drain, serve"]),
        ("[NODE]\nspeed = 7", [":2:", "speed", "on_battery"]),
        ("[NODE]\nname = a\nname = b", [":3:", "twice"]),
    ]

    static let clusterCases: [Case] =
        damagedFiles
        + brokenNodeSections.map { ini, says in
            Case(typed: ["router"], environment: ["ROUTER_PORT": "0"], ini: ini, says: ["models.ini"] + says)
        } + [
            Case(
                typed: ["cluster", "init", "--open"], environment: alone, homeFiles: member,
                says: ["studio", "already", "llmstack cluster leave"]),
            Case(
                typed: ["join", "--open", "other"], environment: alone, homeFiles: member,
                says: ["studio", "already", "llmstack cluster leave"]),
            Case(
                typed: ["join", "--open", "studio"], environment: alone,
                says: ["turned off", "unset LLMSTACK_DISCOVERY"]),
            Case(
                typed: ["join", "--open", "studio", "--at", "127.0.0.1:1"], environment: alone,
                says: ["127.0.0.1:1", "refused", "its stack runs", "with keys takes llmstack join TOKEN"]),
            Case(
                typed: ["join", "--open", "studio", "--at", "[::1]:1"], environment: alone, says: ["[::1]:1"]),
            Case(
                typed: ["cluster", "init", "--open"], environment: alone,
                homeFiles: [".config": "", ".local/state/llmstack/node-id": "nodenodenodenod1\n"],
                says: ["cannot write", "cluster.json", "permissions"]),
            Case(
                typed: ["cluster", "init", "--open"], environment: alone, homeFiles: [".local": ""],
                says: ["cannot write", "node-id", "permissions"]),
            Case(
                typed: ["nodes", "add", "127.0.0.1:1"], environment: alone, homeFiles: [".config": ""],
                says: ["cannot write", "nodes.json"]),
            Case(typed: ["nodes"], environment: alone, says: ["http://127.0.0.1:1", "llmstack start"]),
            Case(typed: ["nodes", "--json"], environment: alone, says: ["http://127.0.0.1:1", "llmstack start"]),
            Case(typed: ["nodes", "--watch"], environment: alone, says: ["http://127.0.0.1:1", "llmstack start"]),
            Case(
                typed: ["nodes", "remove", "desk"], environment: alone,
                says: ["desk:10103 is not on the list", "empty"]),
            Case(
                typed: ["nodes", "remove", "desk:2"], environment: alone, homeFiles: one,
                says: ["desk:2 is not on the list", "127.0.0.1:1"]),
            Case(
                typed: ["nodes", "remove", "two words"], environment: alone, homeFiles: one,
                says: ["two words is not on the list"]),
            Case(typed: ["drain"], environment: alone, says: ["http://127.0.0.1:1", "llmstack start"]),
            Case(typed: ["drain", "desk"], environment: alone, says: ["refused", "llmstack start"]),
            Case(typed: ["drain", "--undo"], environment: alone, says: ["refused", "llmstack start"]),
            Case(typed: ["drain", "desk", "--undo"], environment: alone, says: ["refused", "llmstack start"]),
            Case(
                typed: ["drain", "desk"], environment: alone, files: client,
                says: ["client of the cluster \"studio\"", "run llmstack drain on the node that is meant"]),
        ]
        + ["x", "0", "65536", "-1"].map {
            Case(
                typed: ["router"], environment: ["ROUTER_PORT": "0", "LLMSTACK_CLUSTER_PORT": $0],
                says: ["LLMSTACK_CLUSTER_PORT=\($0)", "port number"])
        }

    /// Files that somebody's editor or a full disk left behind.
    private static let damagedFiles: [Case] =
        ["", "{", "[]", #"{"id": "", "name": "x", "security": "open"}"#].flatMap { text in
            [
                ["cluster", "status"], ["cluster", "status", "--json"], ["cluster", "init", "--open"],
                ["join", "--open", "x"],
            ]
            .map {
                Case(
                    typed: $0, environment: alone, homeFiles: [clusterJSON: text],
                    says: [clusterJSON, "llmstack cluster leave"])
            }
        }
        + ["", "{", "[]", #"{"nodes": [1]}"#].flatMap { text in
            ["add", "remove"].map {
                Case(
                    typed: ["nodes", $0, "127.0.0.1:1"], environment: alone, homeFiles: [nodesJSON: text],
                    says: [nodesJSON, "delete the file", "llmstack nodes add"])
            }
        }

    /// Typed wrongly, with what is said of it above the usage.
    static let wronglyTyped: [([String], String)] = [
        (["cluster", "init", "--open", "--domain", "team.example"], "--domain is for clusters with keys"),
        (["cluster", "init", "--open", "--name", "two words"], "\"two words\" cannot be a name"),
        (["cluster", "init", "--open", "--name", ""], "\"\" cannot be a name"),
        (["cluster", "init", "--open", "extra"], "extra"),
        (["cluster", "status", "extra"], "extra"), (["cluster", "leave", "extra"], "extra"),
        (["cluster", "frobnicate"], "frobnicate"),
        (["join", "--open"], "--open needs the cluster's name"), (["join", "studio"], "this is no token"),
        (["join", "llmstack-1-abc"], "it ends early, with 3 of 4 parts"),
        (["join", "--open", "studio", "--name", "desk"], "--name is for clusters with keys"),
        (["cluster", "invite", "--role", "boss"], "boss"),
        (["cluster", "invite", "--in-flight", "0"], "--in-flight must be 1 to 10000"),
        (["cluster", "invite", "--in-flight", "3"], "--in-flight and --per-minute go with --role client"),
        (["cluster", "invite", "--role", "issuer", "--per-minute", "3"], "go with --role client"),
        (["cluster", "limit", "anna"], "say --in-flight N, --per-minute N, or both"),
        (["cluster", "revoke"], "<name>"), (["cluster", "backup"], "<file>"),
        (["join", "--open", "two words"], "\"two words\" cannot be a name"),
        (["join", "--open", "studio", "--at", "http://desk:1"], "\"http://desk:1\" is no HOST[:PORT]"),
        (["join", "--open", "studio", "--at", ""], "\"\" is no HOST[:PORT]"),
        (["join", "--open", "studio", "--at", "desk:0"], "\"desk:0\" is no HOST[:PORT]"),
        (["join", "--open", "studio", "--at", "desk:65536"], "\"desk:65536\" is no HOST[:PORT]"),
        (["nodes", "add"], "<host[:port]>"), (["nodes", "remove"], "<host[:port]>"),
        (["nodes", "add", "two words"], "\"two words\" is no HOST[:PORT]"),
        (["nodes", "add", "desk:port"], "\"desk:port\" is no HOST[:PORT]"),
        (["nodes", "add", "fd00::5"], "\"fd00::5\" is no HOST[:PORT]"),
        (["nodes", "--bogus"], "--bogus"), (["doctor", "--bogus"], "--bogus"),
        (["drain", "two words"], "\"two words\" cannot be a node's name"),
        (["drain", "desk", "studio"], "studio"),
    ]
}
