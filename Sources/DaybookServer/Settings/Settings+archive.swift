import Archive
import EventStore
import Foundation

extension Settings {
    static func archive(_ reader: inout SettingsReader, data: String, store: EventStoreConfiguration) throws(SettingsError)
        -> ArchiveConfiguration
    {
        var archive = ArchiveConfiguration(folder: data + "/archive", keys: data + "/keys")
        archive.origin = reader.text("archive.origin")
        if let origin = archive.origin, origin.contains(where: { $0.isWhitespace || $0 == "+" }) || origin.utf8.count > 128 {
            throw reader.fault("archive.origin", "it names a log and its key: no spaces, no plus sign, at most 128 bytes")
        }
        archive.sealGrace = try reader.duration("archive.seal_grace", in: .zero...(.seconds(12 * 3600)), default: archive.sealGrace)
        archive.journalBytes = try reader.bytes("archive.journal_bytes", in: 0...1 << 50, default: archive.journalBytes)
        archive.checkpointFolder = reader.text("archive.checkpoint_folder")
        archive.checkpointWebhook = reader.text("archive.checkpoint_webhook")
        if let url = archive.checkpointWebhook, !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            throw reader.fault("archive.checkpoint_webhook", "it must begin with http:// or https://")
        }
        archive.keep = try reader.duration("store.keep", in: .seconds(86_400)...(.seconds(36_600 * 86_400)), default: archive.keep)
        let window = store.identityWindow.components.seconds / 86_400 + 1
        guard archive.keep.components.seconds / 86_400 >= window else {
            throw reader.fault("store.keep", "it must be \(window)d at least: store.identity_window recognises events that long")
        }
        archive.pruneAtOnce = try reader.count("archive.prune_at_once", in: 0...10_000, default: archive.pruneAtOnce)
        archive.memberBytes = store.memberBytes
        return archive
    }
}
