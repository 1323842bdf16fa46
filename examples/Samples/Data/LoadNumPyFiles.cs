using System.Text;
using Ard.Trainers.Data;

namespace Ard.Samples;

/// <summary>Images and labels as NumPy saves them: a .npz, or .npy files in one folder.</summary>
internal static class LoadNumPyFilesSample
{
    public static void Example()
    {
        // In Python: np.save("x_train.npy", images); np.save("y_train.npy", labels). Two images of 2x3 here.
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        Write("x_train.npy", "(2, 2, 3)", [0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]);
        Write("y_train.npy", "(2,)", [1, 0]);

        using var images = ImageDataset.Load(folder, DataSplit.Train, classNames: ["cat", "dog"]);
        Console.WriteLine($"{images.Count} images of {images.Channels}x{images.Height}x{images.Width}");
        Console.WriteLine(string.Join(", ", images.Labels.data<long>().ToArray().Select(label => images.ClassNames[(int)label])));
        Directory.Delete(folder, recursive: true);

        void Write(string name, string shape, byte[] values)
        {
            var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
            File.WriteAllBytes(
                Path.Combine(folder, name),
                [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. values]);
        }

        // Expected output:
        // 2 images of 1x2x3
        // dog, cat
    }
}
