// The zip of a model: one folder a component, with its Model.key and its further streams.
using System.IO.Compression;

namespace Microsoft.ML;

internal sealed class RepositoryWriter : IDisposable
{
    private readonly ZipArchive _zip;

    public RepositoryWriter(Stream stream) => _zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);

    public void Write(string path, Action<Stream> write)
    {
        using var stream = _zip.CreateEntry(path, CompressionLevel.Fastest).Open();
        write(stream);
    }

    public void Dispose() => _zip.Dispose();
}

internal sealed class RepositoryReader : IDisposable
{
    private readonly ZipArchive _zip;

    public RepositoryReader(Stream stream)
    {
        try
        {
            _zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            // An archive without a sound directory says so only when it is read.
            _ = _zip.Entries.Count;
        }
        catch (InvalidDataException e)
        {
            throw new FormatException("Failed to open a zip archive", e);
        }
    }

    public Stream OpenOrNull(string path) => _zip.GetEntry(path)?.Open();

    public void Dispose() => _zip.Dispose();
}
