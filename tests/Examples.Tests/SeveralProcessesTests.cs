using Ard.Trainers.Tests.Distributed;

namespace Ard.Examples.Tests;

public sealed class SeveralProcessesTests
{
    [Theory]
    [MpiData(Mpi.Mpich)]
    [MpiData(Mpi.OpenMpi)]
    public async Task The_first_of_several_processes_makes_the_page_and_the_others_go_on(string mpi)
    {
        using var program = new ExampleProgram("Distill");
        string[] command =
        [
            "dotnet", program.File, "distill", "--data", "builtin", "--method", "natural,at", "--student", "tinycnn-2", "--steps", "1",
            "--epochs", "1", "--train-images", "40", "--test-images", "10", "--device", "cpu", "--threads", "1", "--output", program.Output,
        ];
        var (code, _, errors) = await Mpi.Outcome(Mpi.StartCommand(mpi, 2, command, ("ARD_MPI_TIMEOUT", "20")));
        Assert.True(code == 0, errors);
        Assert.True(File.Exists(Path.Combine(program.Output, "report.html")));
        Assert.Equal(2, program.Summary().Length);
    }
}
