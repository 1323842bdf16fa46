using Ard.MLNet;
using Ard.Trainers.Data;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>CIFAR-10 as an IDataView.</summary>
internal static class LoadCifar10Sample
{
    public static void Example()
    {
        // The real ones: ml.Data.LoadCifar10("cifar-10-batches-bin"), or the .tar.gz itself. What is not there is named.
        var ml = new MLContext();
        try
        {
            ml.Data.LoadCifar10("no-such-folder");
        }
        catch (DataFileException exception)
        {
            Console.WriteLine($"{exception.Path} is not there");
        }

        // Expected output:
        // no-such-folder is not there
    }
}
