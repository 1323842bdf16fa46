using Ard.MLNet;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>The built-in images as an IDataView.</summary>
internal static class LoadGlyphsSample
{
    public static void Example()
    {
        var ml = new MLContext();
        var images = ml.Data.LoadGlyphs(50, seed: 1);
        foreach (var column in images.Schema) Console.WriteLine($"{column.Name}: {column.Type}");
        Console.WriteLine($"{images.GetRowCount()} rows");

        // Expected output:
        // Features: Vector<Single, 1, 16, 16>
        // Label: Key<UInt32, 0-9>
        // 50 rows
    }
}
