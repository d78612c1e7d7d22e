import Cluster
import Coordinator
import Foundation
import Testing
import Wire

/// The recorded decisions of the ladder, in Fixtures/routing.jsonl. Each line is `{name, env, models_ini, path, body,
/// routed, model, reason}`; bodies may hold generators, see ``expand(_:)``.
struct RoutingVectorTests {
    struct Vector: CustomTestStringConvertible, Sendable {
        let name: String
        let environment: [String: String]
        let ini: String?
        let body: [UInt8]
        let routed: Bool
        let model: String?
        let reason: String?

        var testDescription: String { name }
    }

    static let fixtures = Bundle.module.resourceURL.map { $0.appendingPathComponent("Fixtures") }

    static let vectors: [Vector] = {
        guard let folder = fixtures,
            let text = try? String(contentsOf: folder.appendingPathComponent("routing.jsonl"), encoding: .utf8)
        else { return [] }
        return text.split(separator: "\n").compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let body = object["body"], let name = object["name"] as? String,
                let data = try? JSONSerialization.data(withJSONObject: expand(body))
            else { return nil }
            return Vector(
                name: name, environment: object["env"] as? [String: String] ?? [:],
                ini: object["models_ini"] as? String, body: Array(data), routed: object["routed"] as? Bool ?? false,
                model: object["model"] as? String, reason: object["reason"] as? String)
        }
    }()

    @Test func everyLineIsAVector() {
        #expect(Self.vectors.count == 347)
    }

    @Test(arguments: vectors) func aRequestIsRoutedAsRecorded(_ vector: Vector) throws {
        var catalog = Catalog()
        if let ini = vector.ini {
            let file = try #require(Self.fixtures).appendingPathComponent("inis/\(ini)")
            catalog = try Catalog.parse(String(contentsOf: file, encoding: .utf8), file: ini)
        }
        let table = try RoutingTable(catalog: catalog) { vector.environment[$0] }
        var scan = RequestScan(table.vocabulary)
        vector.body.withUnsafeBytes { scan.read($0) }
        guard case .request(let request) = scan.finish() else {
            Issue.record("not read as a request")
            return
        }
        #expect((request.model == .auto) == vector.routed)
        guard vector.routed else { return }
        let decision = table.ladder.decide(request.facts)
        #expect(decision.model == vector.model)
        #expect(decision.reason == vector.reason)
    }
}

/// `{"$repeat": [unit, n]}` is a string, `{"$concat": [a, …]}` joins pieces, and within an array
/// `{"$times": [x, n]}` is n elements.
private func expand(_ value: Any) -> Any {
    if let object = value as? [String: Any] {
        if object.count == 1, let arguments = object["$repeat"] as? [Any], let count = arguments.last as? Int {
            return String(repeating: expand(arguments[0]) as? String ?? "", count: count)
        }
        if object.count == 1, let pieces = object["$concat"] as? [Any] {
            return pieces.map { expand($0) as? String ?? "" }.joined()
        }
        return object.mapValues { expand($0) }
    }
    guard let array = value as? [Any] else { return value }
    return array.flatMap { element -> [Any] in
        guard let object = element as? [String: Any], let arguments = object["$times"] as? [Any],
            let count = arguments.last as? Int
        else { return [expand(element)] }
        return Array(repeating: expand(arguments[0]), count: count)
    }
}
