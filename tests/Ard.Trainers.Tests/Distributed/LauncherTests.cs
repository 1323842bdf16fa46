namespace Ard.Trainers.Tests.Distributed;

public class LauncherTests
{
    [Theory]
    [InlineData("OMPI_COMM_WORLD_SIZE=8", 8, "libmpi.so.40")]
    [InlineData("PMI_SIZE=4", 4, "libmpich.so.12")]
    [InlineData("SLURM_STEP_NUM_TASKS=3", 3, "libmpi_abi.so.0")]
    // mpirun within Slurm: its own variables come before those of the srun that it starts its helpers by.
    [InlineData("SLURM_STEP_NUM_TASKS=2 OMPI_COMM_WORLD_SIZE=16", 16, "libmpi.so.40")]
    [InlineData("SLURM_STEP_NUM_TASKS=2 PMI_SIZE=16", 16, "libmpich.so.12")]
    [InlineData("PMI_SIZE=4 ARD_MPI=/opt/mpi/lib/libmpi.so", 4, "/opt/mpi/lib/libmpi.so")]
    public void Says_how_many_there_are_and_whose_MPI_it_is(string environment, int size, string first)
    {
        var launcher = Find(environment)!;
        Assert.Equal(size, launcher.Size);
        Assert.Equal(first, launcher.Libraries[0]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ARD_MPI=libmpi.so.40")]
    [InlineData("OMPI_COMM_WORLD_SIZE=1")]
    [InlineData("PMI_SIZE=1 SLURM_STEP_NUM_TASKS=2")]
    [InlineData("PMI_SIZE=many")]
    // What a batch script of eight tasks sees that starts one process by itself.
    [InlineData("SLURM_NTASKS=8 SLURM_PROCID=0 SLURM_JOB_ID=17")]
    public void There_is_none_for_a_process_on_its_own(string environment) => Assert.Null(Find(environment));

    [Fact]
    public void A_group_of_one_does_nothing()
    {
        float[] values = [1, 2];
        ProcessGroup.Alone.Sum(values);
        ProcessGroup.Alone.Abort("nobody is there to end");
        Assert.Equal([1, 2], values);
        var alone = ProcessGroup.Alone;
        Assert.Equal((0, 1, 0, 1), (alone.Rank, alone.Size, alone.LocalRank, alone.LocalSize));
    }

    private static Launcher? Find(string environment)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        return Launcher.Find(variables.GetValueOrDefault);
    }
}
