using Ard.Trainers.Tests.Distributed;

namespace Ard.MLNet.Tests;

/// <summary>A program that knows nothing of processes, started by mpirun.</summary>
public sealed class SeveralProcessesTests : IDisposable
{
    private readonly string model = Path.Combine(Directory.CreateTempSubdirectory("ard-ranks-").FullName, "model.zip");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(model)!, recursive: true);

    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task Each_processs_Fit_returns_the_same_model_and_its_evaluation_the_same_figures(string mpi)
    {
        var scorer = Path.Combine(AppContext.BaseDirectory, "Ard.MLNet.Tests.Scorer.dll");
        var (code, output, errors) = await Mpi.Outcome(Mpi.StartCommand(mpi, 2, ["dotnet", scorer, "--ranks", model]));
        Assert.True(code == 0, output + errors);
        var said = output.Split('\n').Where(line => line.Contains(" of 2: ", StringComparison.Ordinal))
            .Select(line => line.Split(": ")[1].Trim()).ToArray();
        Assert.Equal(2, said.Length);
        Assert.Single(said.Distinct());
        // One process logs.
        Assert.Equal(2, output.Split("the log has the epochs").Length);
        new MLContext(1).Model.Load(model, out _);
    }
}
