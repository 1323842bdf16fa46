// Stands in for Microsoft.ML.Core: what a saved component says of itself. Not public there either; savers outside reach it by reflection.
namespace Microsoft.ML;

internal readonly struct VersionInfo
{
    public readonly ulong ModelSignature;
    public readonly uint VerWrittenCur;
    public readonly uint VerReadableCur;
    public readonly uint VerWeCanReadBack;
    public readonly string LoaderAssemblyName;
    public readonly string LoaderSignature;
    public readonly string LoaderSignatureAlt;

    public VersionInfo(string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack, string loaderAssemblyName,
        string loaderSignature = null, string loaderSignatureAlt = null)
    {
        if (modelSignature?.Length != 8 || modelSignature.Any(c => c > 0xFF))
            throw new ArgumentException("Model signature must be eight characters of one byte.", nameof(modelSignature));
        if (loaderSignature?.Length > 24)
            throw new ArgumentException("Loader signature must be at most 24 characters.", nameof(loaderSignature));
        ModelSignature = modelSignature.Select((c, i) => (ulong)c << (8 * i)).Aggregate((a, b) => a | b);
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderAssemblyName = loaderAssemblyName;
        LoaderSignature = loaderSignature;
        LoaderSignatureAlt = loaderSignatureAlt;
    }
}
