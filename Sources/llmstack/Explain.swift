import ArgumentParser
import Cluster
import Coordinator
import Foundation
import Wire

/// `llmstack explain`: the ladder's answer without a router, or where the cluster's router would send a request.
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which tier \"auto\" would pick for a request, and why.",
        discussion: """
            FILE holds a request body as it is sent to /v1/chat/completions; - or nothing reads standard input:

              echo '{"messages":[{"role":"user","content":"hello"}]}' | llmstack explain

            Nothing is sent anywhere and no router needs to run. With --cluster this project's router is asked where it \
            would send the request: it shows what each host would cost, in seconds, and sends nothing either.
            """)

    /// Bytes: what a router takes at most.
    private static let limit = 64 << 20

    @Argument(help: "A file with a request body, or - for standard input.", completion: .file())
    var file = "-"

    @Flag(help: "Ask the router where the request would go, and what each host would cost.")
    var cluster = false

    @Flag(help: "Print one JSON object.")
    var json = false

    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    func run() async throws {
        if cluster { return try await showPlacement() }
        let settings = try RouterSettings()
        let table = try settings.routingTable().table
        let body = try readBody()
        var scan = RequestScan(table.vocabulary)
        body.withUnsafeBytes { scan.read($0) }
        switch scan.finish() {
        case .empty: throw Unusable(description: "\(shownName) is empty\n  fix: \(Self.expected)")
        case .notJSON, .notObject:
            throw Unusable(description: "\(shownName) is not a JSON object\n  fix: \(Self.expected)")
        case .tooDeep: throw Unusable(description: "\(shownName) is nested too deep\n  fix: \(Self.expected)")
        case .request(let request):
            switch request.model {
            case .auto where request.badMessage != nil:
                throw Unusable(
                    description: "messages[\(request.badMessage ?? 0)] in \(shownName) is not an object\n"
                        + "  fix: \(Self.expected)")
            case .auto:
                let explanation = Explanation(of: body, request, by: table)
                print(json ? explanation.json : explanation.text)
            case .concrete, .invalid: showNamed(request, body, table)
            }
        }
    }

    private func showPlacement() async throws {
        let router = LocalRouter(environment: ProcessInfo.processInfo.environment)
        let answer = try await router.ask("POST", "/llmstack/v1/explain", body: readBody(), mend: Self.expected)
        if json, !router.isElsewhere { return print(String(decoding: answer, as: UTF8.self)) }
        var explanation = try JSONDecoder().decode(PlacementExplanation.self, from: Data(answer))
        if router.isElsewhere { explanation = explanation.ofAnotherHost }
        print(try json ? JSONEncoder.line(explanation) : PlacementText(explanation.sanitised).text)
    }

    private static let expected = "give a body such as {\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}"

    private var shownName: String { file == "-" ? "standard input" : file }

    /// A request that names a model is not classified.
    private func showNamed(_ request: ScannedRequest, _ body: [UInt8], _ table: RoutingTable) {
        let written = request.modelRanges.last.map { String(decoding: body[$0], as: UTF8.self) } ?? "an object"
        let name = (JSONNode.parse(body)?["model"]?.kind).flatMap {
            if case .string(let name) = $0 { name } else { nil }
        }
        let tier = name.flatMap { table.catalog.tier(named: $0)?.name }
        if json {
            print("{\"auto\":false,\"model\":\(written),\"tier\":\(tier?.jsonQuoted ?? "null")}")
        } else {
            let meaning = tier.map { "the tier \($0)" } ?? "no tier of models.ini; llama-swap may know it"
            print("\(written) -> as it is: \(meaning)\n  auto is not asked: the request names a model")
        }
    }

    private func readBody() throws -> [UInt8] {
        do {
            return try file == "-"
                ? WholeFile.readStandardInput(limit: Self.limit)
                : WholeFile.read(file, limit: Self.limit, mayBePipe: true)
        } catch {
            throw Unusable(description: "\(error)\n  fix: name a readable file, or - for standard input")
        }
    }
}
