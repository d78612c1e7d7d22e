package import Cluster
import Foundation

/// What Hugging Face says of a repository and of one file in it.
package struct HubModel: Equatable, Sendable {
    /// Bytes of the file (all of its parts); nil when the repository does not have it.
    package var fileBytes: Int64?
    /// SHA-256 of the file (of all of its parts), by which caches name it; nil where it is not said.
    package var blobs: [String]?
    /// Day of the last change, `2026-05-01`.
    package var changed: String
    package var downloads: Int

    /// - Parameter json: of `GET /api/models/<repo>?blobs=true` (https://huggingface.co/docs/hub/api).
    /// - Returns: nil when it is something else.
    package init?(json: [UInt8], file: String) {
        struct Reply: Decodable {
            struct Sibling: Decodable {
                var rfilename: String
                var size: Int64?
                var lfs: Large?
            }
            struct Large: Decodable { var sha256: String? }
            var lastModified: String?
            var downloads: Int?
            var siblings: [Sibling]?
        }
        guard let reply = try? JSONDecoder().decode(Reply.self, from: Data(json)), let siblings = reply.siblings else {
            return nil
        }
        let parts = WeightsCache.parts(of: file)
        let found = siblings.filter { parts.contains($0.rfilename) }
        fileBytes = found.count == parts.count ? found.reduce(0) { $0 + ($1.size ?? 0) } : nil
        let names = found.compactMap(\.lfs?.sha256)
        blobs = !names.isEmpty && names.count == parts.count ? names : nil
        changed = String((reply.lastModified ?? "").prefix(10))
        downloads = reply.downloads ?? 0
    }
}

/// Asks Hugging Face about repositories. `$HF_ENDPOINT` names a mirror; `$HF_TOKEN` opens private ones.
package struct HubClient: Sendable {
    package static let patience = Duration.seconds(5)

    private let base: String
    private let token: String?

    package init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var base = value("HF_ENDPOINT") ?? "https://huggingface.co"
        while base.hasSuffix("/") { base.removeLast() }
        self.base = base
        token = value("HF_TOKEN")
    }

    package enum Answer: Equatable, Sendable {
        case model(HubModel)
        case status(Int)
        /// Nobody answered, or not with what was asked for.
        case silence
    }

    package func ask(_ weights: GGUF.Weights) async -> Answer {
        let segment = CharacterSet.alphanumerics.intersection(.init(charactersIn: "\u{0}"..."\u{7f}")).union(
            .init(charactersIn: "-._~/"))
        guard let repo = weights.repo.addingPercentEncoding(withAllowedCharacters: segment) else { return .silence }
        let request = Curl.Request(
            "\(base)/api/models/\(repo)?blobs=true", headers: token.map { ["Authorization: Bearer \($0)"] } ?? [],
            timeout: Self.patience)
        guard let reply = try? await Curl.get(request, limit: 16 << 20) else { return .silence }
        guard reply.status == 200 else { return .status(reply.status) }
        return HubModel(json: reply.body, file: weights.file).map { .model($0) } ?? .silence
    }
}
