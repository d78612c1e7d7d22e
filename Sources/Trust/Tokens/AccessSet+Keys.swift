package import Cluster

extension AccessSet {
    /// Whose key that is, revoked or not.
    ///
    /// - Returns: nil where it is no key, or none that was ever let in. How long that takes says nothing of the secret.
    package func entry(bearing text: String) -> AccessEntry? {
        guard let key = ClientKey(text), let entry = self[key.id], entry.kind == .client,
            let digest = entry.keyHash.flatMap(SecretDigest.init(hex:)), digest.matches(key.text)
        else { return nil }
        return entry
    }
}
